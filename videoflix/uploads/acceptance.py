"""The one way from received bytes to a film in the catalogue, whichever door they came in by."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from videoflix.errors import FieldErrors, NotAVideo
from videoflix.models import Video, VideoDetails
from videoflix.offload import Offload
from videoflix.ports import UploadFile
from videoflix.ports.measures import UNMEASURED, UploadMeasures
from videoflix.uploads.films import FilmProbe
from videoflix.uploads.pictures import ThumbnailMaker
from videoflix.uploads.register import Register

OnReserved = Callable[[int], Awaitable[None]]


class Acceptance:
    def __init__(
        self,
        register: Register,
        *,
        films: FilmProbe,
        thumbnails: ThumbnailMaker,
        offload: Offload,
        measures: UploadMeasures = UNMEASURED,
    ) -> None:
        self._measures = measures
        self.register = register
        self._films = films
        self._thumbnails = thumbnails
        self._offload = offload

    async def accept(
        self,
        film: UploadFile,
        details: VideoDetails,
        *,
        thumbnail: Path | None = None,
        on_reserved: OnReserved | None = None,
    ) -> Video:
        """Keep the film: from here on it survives whatever happens. ``details`` were checked.

        ``on_reserved`` is awaited with the video's id before the film is moved there. Raises
        FieldErrors (thumbnail), NotAVideo, DatabaseUnavailable, InsufficientStorage: then the
        film is not in the catalogue.
        """
        size, outcome = film.size, "failed"
        made = None
        try:
            made = await self._make_thumbnail(film, thumbnail) if thumbnail else None
            await self._films.check(film)
            await self._offload(film.sync)
            video = await self.register.enter(
                film, details, thumbnail=made, on_reserved=on_reserved
            )
            outcome = "accepted"
            return video
        except (FieldErrors, NotAVideo):
            outcome = "refused"
            raise
        finally:
            self._measures.upload(outcome, size)
            if made is not None:
                await self._offload(made.unlink, missing_ok=True)

    async def _make_thumbnail(self, film: UploadFile, picture: Path) -> Path:
        made = film.path.with_suffix(".jpg")
        try:
            await self._thumbnails.make(picture, made)
        except FieldErrors:
            await self._offload(made.unlink, missing_ok=True)
            raise
        return made
