"""Videoflix: a small, complete video-on-demand server."""

__version__ = "0.1.0"
