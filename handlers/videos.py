"""What admins see of films, and do to their encoding."""

from typing import Any

from pydantic import Field

from handlers.base import BaseHandler
from handlers.media import video_id
from handlers.query import Query
from handlers.schemas import Empty, RetryMany
from handlers.shapes import full_record
from videoflix.models import ProcessingStatus, Video

PAGE_MAX = 1_000_000
PAGE_SIZE = 20
PAGE_SIZE_MAX = 100


class VideoListQuery(Query):
    """Which part of the list."""

    status: ProcessingStatus | None = Field(None, description="Without it: all.")
    page: int = Field(1, ge=1, le=PAGE_MAX, description="Counted from 1.")
    page_size: int = Field(PAGE_SIZE, ge=1, le=PAGE_SIZE_MAX)


class AdminHandler(BaseHandler):
    def record(self, video: Video) -> dict[str, Any]:
        return full_record(video, self.container.catalogue)


class VideoRecordHandler(AdminHandler):
    async def get(self, video: str) -> None:
        self.answer(self.record(await self.container.catalogue.find(video_id(video))))


class VideoCancelHandler(AdminHandler):
    async def post(self, video: str) -> None:
        self.body_as(Empty)
        self.answer(self.record(await self.container.job_control.cancel(video_id(video))))


class VideoRetryHandler(AdminHandler):
    async def post(self, video: str) -> None:
        self.body_as(Empty)
        self.answer(self.record(await self.container.job_control.retry(video_id(video))))


class VideosRetryHandler(BaseHandler):
    async def post(self) -> None:
        wanted = self.body_as(RetryMany)
        retried = await self.container.job_control.retry_many(wanted.ids)
        self.answer(
            {
                "retried": list(retried.video_ids),
                "refused": [
                    {"id": refusal.video_id, "detail": refusal.reason}
                    for refusal in retried.refused
                ],
                "remaining": retried.remaining,
            }
        )


def page_numbers(page: int, size: int, count: int) -> tuple[int | None, int | None]:
    """The numbers of the next and the previous page that hold something."""
    last = -(-count // size)
    following = page + 1 if page < last else None
    previous = min(page - 1, last) or None
    return following, previous
