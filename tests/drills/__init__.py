"""Drills: break something on purpose in real processes, and print what came of it."""
