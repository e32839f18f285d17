"""The films of the benchmarks: one of two minutes and one of two hours, of the same packets."""

from dataclasses import dataclass
from pathlib import Path

from media_pipeline.job import EncodeSettings
from media_pipeline.titles.title import Title
from tests.benchmarks.material import UNIT, encode_unit, progressive_copy, repeat_title
from tests.clips.generate import make_clip
from tests.clips.spec import ClipSpec
from videoflix.demo_film import find_clip, make_film

GOP_SECONDS = 2
# 1080p at about 5 Mb/s: segments of 4 MB.
SETTINGS = EncodeSettings(preset="veryfast", crf=22, rungs=("1080p",))
LENGTHS = {"2 min film": 60, "2 h film": 3600}
QUICK_LENGTHS = (UNIT + 6, 3 * UNIT)


@dataclass(frozen=True)
class Film:
    """One title, and the same packets as an ordinary MP4."""

    name: str
    title: Title
    progressive: Path


@dataclass(frozen=True)
class Material:
    short: Film
    long: Film

    @property
    def rendition(self) -> str:
        return self.short.title.names[0]


def make_films(
    source: Path, folder: Path, settings: EncodeSettings, lengths: dict[str, int]
) -> Material:
    """Encode ``source`` once, repeat it to two films of so many GOPs."""
    rendition = settings.rungs[0].partition("=")[0]
    encode_unit(source, folder / "unit", settings)
    films = []
    for number, (name, gops) in enumerate(lengths.items()):
        title = repeat_title(folder / "unit", folder / f"title-{number}", gops)
        path = folder / f"film-{number}.mp4"
        progressive_copy(title, rendition, path)
        films.append(Film(name, title, path))
    return Material(*films)


def full_material(folder: Path) -> Material:
    """Of a real clip. Needs 8 GB below ``folder``."""
    make_film(find_clip(), folder / "source.mp4")
    return make_films(folder / "source.mp4", folder, SETTINGS, LENGTHS)


def _at(folder: Path) -> Material:
    films = [
        Film(name, Title(folder / f"title-{number}"), folder / f"film-{number}.mp4")
        for number, name in enumerate(LENGTHS)
    ]
    return Material(*films)


def kept_material(folder: Path) -> Material:
    """What ``full_material`` made in ``folder``; made now where there is nothing."""
    done = folder / "done"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        full_material(folder)
        done.touch()
    return _at(folder)


def quick_material(folder: Path) -> Material:
    """Of a generated clip with small pictures."""
    clip = folder / "source.mp4"
    make_clip(clip, ClipSpec(width=320, height=180, seconds=GOP_SECONDS * UNIT + 2))
    settings = EncodeSettings(preset="ultrafast", rungs=("480p=320x180",))
    return make_films(clip, folder, settings, dict(zip(LENGTHS, QUICK_LENGTHS, strict=True)))
