"""The catalogue: what can be watched, and where its pictures are."""
