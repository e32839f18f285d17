"""Playlists and segments for viewers: cut on request, once, and cached."""
