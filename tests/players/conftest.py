"""The film, and the server that shows it."""

from collections.abc import AsyncIterator

import pytest

from tests.clips.fixtures import ClipCache
from tests.players.film import Film, player_film
from tests.players.theatre import Theatre, theatre
from videoflix.settings import Settings


@pytest.fixture
def film(clip_cache: ClipCache) -> Film:
    return player_film(clip_cache)


@pytest.fixture
async def stage(settings: Settings, film: Film) -> AsyncIterator[Theatre]:
    async with theatre(settings, film) as opened:
        yield opened
