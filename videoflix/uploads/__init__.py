"""Uploads: from the first byte to a record that waits for a worker."""
