"""What admins see of films, and do to their encoding."""

from typing import Any

from pydantic import Field

from handlers.base import BaseHandler
from handlers.media import video_id
from handlers.query import PageQuery, Search
from handlers.schemas import Empty, RetryMany, VideoEdit
from handlers.shapes import full_record
from videoflix.models import (
    CATEGORY_MAX,
    CATEGORY_SUGGESTIONS,
    ProcessingStatus,
    Video,
    VideoSort,
)


class VideoListQuery(PageQuery):
    """Which part of the list."""

    status: ProcessingStatus | None = Field(None, description="Without it: all.")
    category: str | None = Field(None, max_length=CATEGORY_MAX, description="Exactly this one.")
    search: Search = Field("", description="Words: each must be in title, description or category.")
    sort: VideoSort = Field(VideoSort.NEWEST, description="A minus is descending.")


class AdminHandler(BaseHandler):
    def record(self, video: Video) -> dict[str, Any]:
        return full_record(video, self.container.catalogue)


class VideoRecordHandler(AdminHandler):
    async def get(self, video: str) -> None:
        self.answer(self.record(await self.container.catalogue.find(video_id(video))))

    async def patch(self, video: str) -> None:
        body = self.body_as(VideoEdit)
        changes = body.model_dump(exclude_unset=True)
        edited = await self.container.film_edits.edit(video_id(video), changes)
        self.answer(self.record(edited))

    async def delete(self, video: str) -> None:
        self.body_as(Empty)
        found = video_id(video)
        await self.container.removal.delete(found)
        self.container.streaming.shelf.forget(found)
        self.nothing()


class CategoriesHandler(BaseHandler):
    async def get(self) -> None:
        in_use = list(await self.container.video_lists.categories())
        self.answer({"suggestions": list(CATEGORY_SUGGESTIONS), "in_use": in_use})


class VideoCancelHandler(AdminHandler):
    async def post(self, video: str) -> None:
        self.body_as(Empty)
        self.answer(self.record(await self.container.job_control.cancel(video_id(video))))


class VideoRetryHandler(AdminHandler):
    async def post(self, video: str) -> None:
        self.body_as(Empty)
        self.answer(self.record(await self.container.job_control.retry(video_id(video))))


class VideoEncodeAgainHandler(AdminHandler):
    async def post(self, video: str) -> None:
        self.body_as(Empty)
        self.answer(self.record(await self.container.job_control.encode_again(video_id(video))))


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
