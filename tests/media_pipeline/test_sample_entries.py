"""Codec configurations as this reads them, held against libavformat's own reading."""

import io

import av
import pytest

from media_pipeline.errors import DamagedTitle
from media_pipeline.titles.sample_entries import codec_configuration
from tests.clips.fixtures import ClipCache
from tests.media_pipeline.titles import rich_title


def test_configurations_are_those_that_libavformat_finds(clip_cache: ClipCache) -> None:
    title = rich_title(clip_cache)
    for name in (*title.names, *(facts.name for facts in title.manifest.audio)):
        init = bytes(title.track(name).init())
        with av.open(io.BytesIO(init), "r", format="mp4") as container:
            context = container.streams[0].codec_context
            assert context is not None
            assert codec_configuration(init) == context.extradata


def test_an_initialisation_part_that_is_cut_short_is_damage(clip_cache: ClipCache) -> None:
    title = rich_title(clip_cache)
    for name in (title.names[0], title.manifest.audio[0].name):
        init = bytes(title.track(name).init())
        moov = init.index(b"moov") - 4
        for length in range(moov + int.from_bytes(init[moov : moov + 4], "big")):
            with pytest.raises(DamagedTitle):
                codec_configuration(init[:length])
