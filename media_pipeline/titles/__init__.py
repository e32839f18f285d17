"""A title on disk: its tables, manifest and measures, and the segments that are cut from them."""
