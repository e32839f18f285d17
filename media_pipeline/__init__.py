"""Media alone: probe, encode, sample tables, segment grid, packager, playlists.

Imports nothing of ``videoflix`` or ``handlers`` and knows no web server, database or queue.
"""
