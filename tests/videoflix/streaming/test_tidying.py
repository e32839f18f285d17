"""The cache of one machine, where films are deleted and encoded anew on another."""

from pathlib import Path

from tests.clips.fixtures import ClipCache
from tests.handlers.films import encode_again, encoded_title, publish, publish_waiting
from tests.videoflix.parts import open_parts
from tests.videoflix.streaming.films import cached, fetch, service_on
from videoflix.container import Container
from videoflix.encoding.leftovers import Leftovers
from videoflix.offload import Offload


async def test_r47_segments_of_encodes_that_are_no_more_leave_the_cache(
    container: Container, clip_cache: ClipCache, tmp_path: Path
) -> None:
    """R47"""
    encoded = encoded_title(clip_cache)
    kept, again, gone = [await publish(container, encoded) for _ in range(3)]
    async with service_on(container) as service:
        for video in (kept, again, gone):
            await fetch(service, video)
        await encode_again(container, again.id)
        new = await publish_waiting(container, encoded, again.id)
        service.shelf.forget(again.id)
        await fetch(service, new)
    assert await container.cache_tidying.tidy() == 0  # what was replaced is played on for a while

    cache = container.settings.cache.model_copy(update={"folder": str(tmp_path / "another cache")})
    async with open_parts(container.settings.model_copy(update={"cache": cache})) as other:
        sweep = Leftovers(other.leftovers, other.media, other.cache, Offload(other.disk)).sweep
        assert await sweep(-1) == 1
        await other.removal.delete(gone.id)
    assert len(cached(container)) == 4
    assert await container.cache_tidying.tidy() == 2
    assert {(path.parts[-4], path.parts[-3]) for path in cached(container)} == {
        (str(kept.id), kept.generation),
        (str(new.id), new.generation),
    }
