"""What the disk and the cache hold."""

from handlers.base import BaseHandler


class StorageHandler(BaseHandler):
    async def get(self) -> None:
        found = await self.container.storage.now()
        media, cache = found.media, found.cache
        self.answer(
            {
                "disk": {"total": media.total, "free": media.free, "floor": found.floor},
                "sources": media.sources,
                "titles": media.titles,
                "uploads": media.uploads,
                "cache": {
                    "bytes": cache.bytes,
                    "budget": cache.max_bytes,
                    "segments": cache.files,
                },
            }
        )
