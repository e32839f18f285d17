"""Damaged and hostile films through the real workers: what comes of each is known, or it is a
defect."""
