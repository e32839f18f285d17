"""Checks of what stands beside the picture: sounds, subtitles, storyboard."""

import re
from fractions import Fraction
from pathlib import Path

import av

from media_pipeline.errors import EncodeError
from media_pipeline.sides.sound import CODECS
from media_pipeline.sources.side_facts import SourceSound, SourceText
from media_pipeline.tables import FRAGMENT, SAMPLE, Table, fragments_file, samples_file
from media_pipeline.timeline import AAC_FRAME, AUDIO_RATE, FrameGrid
from media_pipeline.titles.manifest import AudioFacts, StoryboardFacts, SubtitleFacts
from media_pipeline.titles.side_files import SIGNATURE, STORYBOARD, sprite_file, subtitle_file

# Seconds by which a sound may outlast the picture: what side_tracks lets go on, and a last frame.
_LONGEST_TAIL = Fraction(1, 4)

_TIMING = re.compile(
    r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})"
)


def check_sound(folder: Path, sound: SourceSound, grid: FrameGrid) -> AudioFacts:
    """Every AAC frame decodes and is where the tables say, and the sound ends with the picture."""
    name, samples = sound.name, 0
    try:
        with av.open(str(folder / f"{name}.mp4"), options={"err_detect": "explode"}) as container:
            stream = container.streams.audio[0]
            stream.codec_context.options = {"err_detect": "explode"}
            for frame in container.decode(stream):
                samples += frame.samples
    except av.FFmpegError as error:
        raise EncodeError(f"{name}: the encoded sound does not decode ({error})") from error
    if not 0 <= Fraction(samples, AUDIO_RATE) - grid.duration <= _LONGEST_TAIL:
        raise EncodeError(f"{name}: {samples} samples do not end with the picture")
    frames = Table.open(folder / samples_file(name), SAMPLE).rows
    table = Table.open(folder / fragments_file(name), FRAGMENT)
    fragments = table.read(0, table.rows)
    if table.rows != grid.gops or int(fragments["samples"].sum()) != frames:
        raise EncodeError(f"{name}: {table.rows} fragments instead of {grid.gops}")
    if samples > (frames - 1) * AAC_FRAME:  # the first one is priming
        raise EncodeError(f"{name}: {frames} frames are too few")
    return AudioFacts(
        name, CODECS, frames, sound.language, sound.label, sound.is_default, sound.roles
    )


def _cues(path: Path) -> list[tuple[Fraction, Fraction]]:
    """Starts and ends of a WebVTT file as this project writes them; EncodeError for any other."""
    blocks = path.read_bytes().decode("utf-8", "strict").split("\n\n")
    found: list[tuple[Fraction, Fraction]] = []
    if blocks[0] + "\n" != SIGNATURE:
        raise EncodeError(f"{path.name}: it does not begin as WebVTT does")
    for block in blocks[1:]:
        timing, _, text = block.partition("\n")
        match = _TIMING.fullmatch(timing)
        if not match or not text.strip() or "-->" in text or "\0" in text:
            raise EncodeError(f"{path.name}: a cue is malformed")
        values = [int(value) for value in match.groups()]
        start, end = (
            Fraction(((h * 60 + m) * 60 + s) * 1000 + ms, 1000)
            for h, m, s, ms in (values[:4], values[4:])
        )
        if end <= start or (found and start < found[-1][0]):
            raise EncodeError(f"{path.name}: the cues are out of order")
        found.append((start, end))
    return found


def check_text(folder: Path, text: SourceText, grid: FrameGrid) -> SubtitleFacts:
    """The cues are well-formed, in order, and none is after the film."""
    cues = _cues(folder / subtitle_file(text.name))
    if not cues or cues[-1][0] > grid.duration:
        raise EncodeError(f"{text.name}: the cues are not the film's")
    return SubtitleFacts(
        text.name,
        len(cues),
        text.language,
        text.label,
        text.is_default,
        text.is_forced,
        text.is_hearing_impaired,
    )


def check_storyboard(folder: Path, facts: StoryboardFacts) -> None:
    """There is a cue for each picture, and every sheet decodes."""
    if len(_cues(folder / STORYBOARD)) != facts.count:
        raise EncodeError("the storyboard's cues are not as many as its pictures")
    for sheet in range(facts.sheets):
        try:
            with av.open(str(folder / sprite_file(sheet))) as container:
                picture = next(container.decode(video=0))
        except (av.FFmpegError, StopIteration) as error:
            raise EncodeError(f"storyboard sheet {sheet} does not decode") from error
        expected = (facts.columns * facts.width, facts.rows * facts.height)
        if (picture.width, picture.height) != expected:
            raise EncodeError(f"storyboard sheet {sheet} has another size")
