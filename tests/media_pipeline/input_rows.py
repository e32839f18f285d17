"""What a row of the table of inputs is, and what is checked of each (see ``test_inputs``).

A row names a kind of source, how it is made, and what the title made of it must be. To add one:
``clip(...)`` where ``ClipSpec`` can say what it holds, else ``Row(...)`` with a function that makes
the file; then put it into one of the ``input_rows_*`` modules. ``docs/inputs.md`` lists ``says``
and ``treated`` of every row (a test compares them).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av

from media_pipeline.job import EncodeSettings
from media_pipeline.titles.title import Title
from tests.clips.colours import PATCHES, Colour
from tests.clips.fixtures import ClipCache
from tests.clips.spec import ClipFacts, Track

Make = Callable[[ClipCache], ClipFacts]
Check = Callable[[ClipFacts, Title], None]
Numbers = Callable[[ClipFacts], Sequence[int]]
Size = tuple[int, int]

# One small rendition, in which a picture of the table's usual size keeps it.
SMALL = EncodeSettings(preset="ultrafast", rungs=("480p=176x144",))
WIDTH, HEIGHT = 160, 90
SECONDS = 2
TOLERANCE = 8.0  # of 256 levels, in each of red, green and blue

PCM = Track(codec="pcm_s16le")


def _every_one(facts: ClipFacts) -> Sequence[int]:
    return facts.numbers


@dataclass(frozen=True)
class Row:
    """A kind of source and what must come of it.

    Checked of every rendition: its size (``sizes``), the grid's ``rate``, the pictures shown and
    their order (``numbers``: each source picture once unless told otherwise; None: the clip
    has none), each on its grid
    point, the duration (that of the pictures, or of what ``numbers`` says), ``flashes`` beeps
    within 20 ms of their flash, or of ``delay`` after it (0: there is no sound;
    None: there are no flashes), and the colours of
    six patches (``tolerance`` levels from ``patches``; None: they are not looked at). ``also``
    checks what is particular.
    """

    says: str
    make: Make
    treated: str = ""
    settings: EncodeSettings = SMALL
    sizes: Mapping[str, Size] = field(default_factory=lambda: {"480p": (WIDTH, HEIGHT)})
    rate: Fraction = Fraction(25)
    numbers: Numbers | None = _every_one
    flashes: int | None = SECONDS
    delay: Fraction = Fraction(0)
    tolerance: float | None = TOLERANCE
    patches: tuple[Colour, ...] = PATCHES
    also: tuple[Check, ...] = ()

    @property
    def name(self) -> str:
        return self.says


def first_picture(title: Title, rendition: str) -> av.VideoFrame:
    with av.open(str(title.folder / f"{rendition}.mp4")) as container:
        return next(container.decode(video=0))


def clip(
    says: str, suffix: str = ".mp4", /, *, row: Mapping[str, Any] | None = None, **fields: Any
) -> Row:
    """A row whose source is a generated clip: ``fields`` as in ``ClipSpec``, over 160 × 90, two
    seconds at 25 pictures a second. ``row`` are the fields of the row. The rendition has the
    clip's size as displayed, and its rate, and is as long, unless ``row`` says otherwise."""
    fields = {"width": WIDTH, "height": HEIGHT, **fields}
    if not {"frames", "seconds", "times"} & fields.keys():
        fields["seconds"] = SECONDS

    def make(cache: ClipCache) -> ClipFacts:
        return cache.clip(suffix=suffix, **fields)

    size = (fields["width"], fields["height"])
    if fields.get("rotation", 0) in (90, 270):
        size = size[::-1]
    usual: dict[str, Any] = {"sizes": {"480p": size}, "rate": fields.get("rate", Fraction(25))}
    if fields.get("sound", Track()) is None:
        usual["flashes"] = 0
    return Row(says, make, **{**usual, **(row or {})})
