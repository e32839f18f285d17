"""The session's clips."""

from tests.clips.fixtures import clip_cache

__all__ = ["clip_cache"]
