"""The film that every player is shown, and what must be seen of it.

Its pictures carry their numbers. ``PLAYERS_SECONDS`` and ``PLAYERS_SEEKS`` in the environment make
the film longer and the seeks more than in an ordinary run of the tests.
"""

import os
import random
from dataclasses import dataclass
from fractions import Fraction

from av.stream import Disposition

from media_pipeline.job import EncodeSettings
from media_pipeline.titles.title import Title
from tests.clips.fixtures import ClipCache
from tests.clips.spec import ClipFacts, Track
from tests.clips.texts import TextTrack, with_texts
from tests.media_pipeline.titles import cached_title

SECONDS = int(os.environ.get("PLAYERS_SECONDS", "15"))
SEEKS = int(os.environ.get("PLAYERS_SEEKS", "5"))
SEED = 20
RATE = Fraction(30000, 1001)
FIRST_NUMBER = 1000
LOW, HIGH = 180, 360  # lines of the two renditions
# B-frames: a picture is decoded earlier than it is shown, which players treat differently.
SETTINGS = EncodeSettings(preset="veryfast", rungs=("480p=320x180", "720p=640x360"))
CUES = ((500, 1500, "One"), (7000, 9000, "Two"))  # milliseconds


@dataclass(frozen=True)
class Film:
    clip: ClipFacts
    title: Title

    @property
    def frames(self) -> int:
        return self.clip.frames

    @property
    def numbers(self) -> list[int]:
        """Those in the pictures, in order."""
        return list(self.clip.numbers)

    @property
    def known(self) -> tuple[int, int, int]:
        """The first picture, the first one of the second segment, and the last one."""
        return 0, self.title.grid.segment(1).first_frame, self.frames - 1

    @property
    def seeks(self) -> list[int]:
        """Pictures to seek to, the same in every run."""
        return random.Random(SEED).choices(range(self.frames), k=SEEKS)  # noqa: S311 -- no secret

    @property
    def segments(self) -> int:
        return self.title.grid.segment_count

    @property
    def reordering(self) -> int:
        """Pictures from the first one's decoding to its showing."""
        rows = self.title.track("480p").samples(self.title.grid.segment(0)).rows
        delay = int(rows["pts"][0]) - int(rows["dts"][0])
        pictures, rest = divmod(delay, self.title.grid.frame_ticks)
        assert not rest
        return pictures


def middle(picture: int) -> float:
    """A second at which the picture is shown."""
    return float((picture + Fraction(1, 2)) / RATE)


def player_film(cache: ClipCache) -> Film:
    sounds = [Track(language="eng"), Track(pitch=1500, language="ger")]
    clip = cache.clip(
        suffix=".mkv", seconds=SECONDS, rate=RATE, first_number=FIRST_NUMBER, sound=sounds
    )
    text = TextTrack("srt", CUES, language="eng", disposition=Disposition.default)
    clip = with_texts(cache, clip, ".mkv", text)
    return Film(clip, cached_title(cache, clip.path, SETTINGS))
