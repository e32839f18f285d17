"""Films of strangers, read: what is accepted of them, their streams and their clocks."""
