"""What the generator puts into a clip, the readers find there."""

import io
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.stream import VideoStream

from tests.clips.fixtures import ClipCache
from tests.clips.generate import make_clip
from tests.clips.picture_code import Misread
from tests.clips.read import (
    beeps_of,
    decode_numbers,
    find_beeps,
    find_flashes,
    measure_pitch,
    open_strictly,
    read_pictures,
    read_sound,
    sync_offsets,
)
from tests.clips.spec import ClipFacts, ClipSpec, Track

PAL, NTSC, NTSC_DOUBLE = Fraction(25), Fraction(30000, 1001), Fraction(60000, 1001)
FIVE_MS = Fraction(5, 1000)


def check_pictures(facts: ClipFacts, tolerance: Fraction = Fraction(0)) -> None:
    """Numbers, times from the first picture on, and flashes are those of the facts."""
    pictures = read_pictures(facts.path)
    assert [picture.number for picture in pictures] == list(facts.numbers)
    assert [picture.is_lit for picture in pictures] == list(facts.lit)
    assert {(picture.width, picture.height) for picture in pictures} == {
        (facts.width, facts.height)
    }
    late = pictures[0].time - facts.times[0]
    worst = max(
        abs(picture.time - late - time) for picture, time in zip(pictures, facts.times, strict=True)
    )
    assert worst <= tolerance


def check_beeps(facts: ClipFacts, stream: int = 0, tolerance: Fraction = FIVE_MS / 5) -> None:
    beeps = find_beeps(facts.path, stream)
    expected = facts.sounds[stream].beeps
    assert len(beeps) == len(expected)
    assert all(abs(b - e) <= tolerance for b, e in zip(beeps, expected, strict=True))


def recode(source: Path, target: Path, width: int, height: int, crf: int) -> None:
    """Scale and encode badly, as a low rendition does."""
    with open_strictly(source) as reader, av.open(str(target), "w") as writer:
        stream = writer.add_stream("libx264", rate=25, options={"crf": str(crf)})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in reader.decode(video=0):
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode(None))


@pytest.mark.parametrize("rate", [PAL, NTSC, NTSC_DOUBLE])
def test_every_number_flash_and_beep_is_read_back(clip_cache: ClipCache, rate: Fraction) -> None:
    facts = clip_cache.clip(rate=rate, seconds=6)
    assert facts.frames == -(-6 * rate.numerator // rate.denominator)
    check_pictures(facts)
    check_beeps(facts)
    assert find_flashes(facts.path) == list(facts.flashes)
    assert len(facts.flashes) == 6
    offsets = sync_offsets(facts.path)
    assert len(offsets) == 6
    assert max(abs(offset) for offset in offsets) <= FIVE_MS


def test_a_flash_is_the_first_picture_at_or_after_a_second() -> None:
    facts = ClipFacts.of(Path("none.mp4"), ClipSpec(rate=NTSC, seconds=20))
    assert [int(time) for time in facts.flashes] == list(range(20))
    assert all(time - int(time) < 1 / NTSC for time in facts.flashes)
    assert all(
        abs(beep - flash) <= Fraction(1, 96000)
        for beep, flash in zip(facts.beeps, facts.flashes, strict=True)
    )


@pytest.mark.parametrize(("width", "height"), [(384, 216), (200, 112)])
def test_numbers_survive_a_small_and_bad_copy(
    clip_cache: ClipCache, tmp_path: Path, width: int, height: int
) -> None:
    facts = clip_cache.clip(width=1920, height=1080, seconds=2)
    target = tmp_path / "small.mp4"
    recode(facts.path, target, width, height, crf=42)
    pictures = read_pictures(target)
    assert [picture.number for picture in pictures] == list(facts.numbers)
    assert [picture.is_lit for picture in pictures] == list(facts.lit)


def test_a_transport_stream_is_read_alike(clip_cache: ClipCache) -> None:
    facts = clip_cache.clip(suffix=".ts", rate=NTSC, seconds=4, b_frames=2, gop=30)
    check_pictures(facts, tolerance=Fraction(1, 90000))
    assert max(abs(offset) for offset in sync_offsets(facts.path)) <= FIVE_MS
    assert read_sound(facts.path).gaps == ()


def test_a_file_object_is_read_alike(clip_cache: ClipCache) -> None:
    facts = clip_cache.clip(seconds=2)
    content = io.BytesIO(facts.path.read_bytes())
    assert len(sync_offsets(content)) == 2
    content.seek(0)
    assert [number for _, number in decode_numbers(content)] == list(facts.numbers)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_turned_pictures_are_read_upright(clip_cache: ClipCache, rotation: int) -> None:
    facts = clip_cache.clip(rotation=rotation, frames=10)
    assert (facts.width, facts.height) == ((640, 360) if rotation == 180 else (360, 640))
    check_pictures(facts)
    with open_strictly(facts.path) as container:
        assert next(container.decode(video=0)).rotation % 360 == -rotation % 360


@pytest.mark.parametrize(
    "fields",
    [
        {"pix_fmt": "yuv420p10le"},
        {"width": 641, "height": 359, "pix_fmt": "yuv444p"},
        {"width": 720, "height": 576, "interlaced": True},
        {"sample_aspect_ratio": Fraction(4, 3)},
        {"rate": Fraction(120)},
        {"rate": Fraction(5)},
        {"first_number": 500_000},
    ],
)
def test_unusual_pictures_are_read_back(clip_cache: ClipCache, fields: dict[str, Any]) -> None:
    check_pictures(clip_cache.clip(frames=12, sound=None, **fields))


def test_a_sample_aspect_ratio_is_written(clip_cache: ClipCache) -> None:
    facts = clip_cache.clip(frames=12, sound=None, sample_aspect_ratio=Fraction(4, 3))
    with open_strictly(facts.path) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


def test_interlacing_is_flagged(clip_cache: ClipCache) -> None:
    facts = clip_cache.clip(frames=12, sound=None, width=720, height=576, interlaced=True)
    with open_strictly(facts.path) as container:
        assert all(frame.interlaced_frame for frame in container.decode(video=0))


def test_pictures_of_variable_rate_keep_their_times(clip_cache: ClipCache) -> None:
    times = [Fraction(n * 40 + n * n % 17, 1000) for n in range(100)]
    facts = clip_cache.clip(times=times)
    check_pictures(facts)
    check_beeps(facts)
    assert facts.rate is None
    assert max(abs(offset) for offset in sync_offsets(facts.path)) <= FIVE_MS


def test_sound_may_start_late(clip_cache: ClipCache) -> None:
    facts = clip_cache.clip(seconds=5, sound=Track(start=Fraction(3, 2)))
    assert [int(beep) for beep in facts.beeps] == [2, 3, 4]
    check_beeps(facts)
    assert len(sync_offsets(facts.path)) == 3


def test_pictures_may_start_late(clip_cache: ClipCache) -> None:
    facts = clip_cache.clip(seconds=3, start=Fraction(1, 2))
    assert facts.flashes[0] == Fraction(1, 2)
    check_pictures(facts)
    check_beeps(facts)


def test_tracks_are_told_apart_by_pitch(clip_cache: ClipCache) -> None:
    sounds = (
        Track(),
        Track(layout="5.1", pitch=1500, language="deu"),
        Track(layout="mono", pitch=2000, rate=44100),
        Track(codec="libmp3lame", pitch=3000),
    )
    facts = clip_cache.clip(seconds=3, sound=sounds)
    for index, track in enumerate(sounds):
        assert abs(measure_pitch(facts.path, index) - track.pitch) <= 20
        check_beeps(facts, index, tolerance=FIVE_MS)
    with open_strictly(facts.path) as container:
        assert [s.layout.nb_channels for s in container.streams.audio] == [2, 6, 1, 2]
        assert container.streams.audio[1].language == "deu"


def test_sound_alone(clip_cache: ClipCache) -> None:
    facts = clip_cache.clip(suffix=".m4a", rate=None, seconds=3)
    check_beeps(facts)
    assert facts.frames == 0
    assert facts.duration == 3
    with open_strictly(facts.path) as container:
        assert not container.streams.video


def test_pictures_alone(clip_cache: ClipCache) -> None:
    facts = clip_cache.clip(frames=12, sound=None)
    assert facts.beeps == ()
    with open_strictly(facts.path) as container:
        assert not container.streams.audio


def test_uncompressed_sound_is_placed_to_the_sample(clip_cache: ClipCache) -> None:
    facts = clip_cache.clip(suffix=".mov", seconds=3, sound=Track(codec="pcm_s16le", rate=44100))
    check_beeps(facts, tolerance=Fraction(2, 44100))
    assert len(read_sound(facts.path).samples) == facts.sounds[0].samples


def test_the_same_specification_makes_the_same_file(tmp_path: Path) -> None:
    first = make_clip(tmp_path / "first.mp4", frames=10)
    second = make_clip(tmp_path / "second.mp4", frames=10)
    assert first.path.read_bytes() == second.path.read_bytes()


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="colour"):
        make_clip(tmp_path / "clip.mp4", colour="red")


def test_pictures_that_go_back_in_time_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must grow"):
        make_clip(tmp_path / "clip.mp4", times=[Fraction(1), Fraction(0)])


def test_sound_without_beeps_is_no_sync(clip_cache: ClipCache, tmp_path: Path) -> None:
    """A clip whose sound is that of another second does not pass for a synchronous one."""
    facts = clip_cache.clip(seconds=4)
    shifted = tmp_path / "shifted.mp4"
    _mux_with_sound_of(facts.path, shifted, delay=Fraction(1, 2))
    with pytest.raises(Misread, match="beep"):
        sync_offsets(shifted)


def test_a_shift_of_the_sound_is_measured(clip_cache: ClipCache, tmp_path: Path) -> None:
    facts = clip_cache.clip(seconds=4)
    shifted = tmp_path / "shifted.mp4"
    _mux_with_sound_of(facts.path, shifted, delay=Fraction(8, 100))
    offsets = sync_offsets(shifted)
    assert all(abs(offset + Fraction(8, 100)) <= FIVE_MS / 5 for offset in offsets)


def test_a_lost_packet_of_sound_is_a_gap(clip_cache: ClipCache, tmp_path: Path) -> None:
    facts = clip_cache.clip(suffix=".ts", seconds=4)
    damaged = tmp_path / "damaged.ts"
    _mux_with_sound_of(facts.path, damaged, lost=100)
    gaps = read_sound(damaged).gaps
    assert [length for _, length in gaps] == [Fraction(1024, 48000)]
    assert read_sound(facts.path).gaps == ()
    assert len(beeps_of(read_sound(damaged))) == 4


def _mux_with_sound_of(
    source: Path, target: Path, *, delay: Fraction = Fraction(0), lost: int = -1
) -> None:
    """Copy the packets, the sound later by ``delay`` and without its packet ``lost``."""
    seen = 0
    with open_strictly(source) as reader, av.open(str(target), "w") as writer:
        outputs = {s.index: writer.add_stream_from_template(s) for s in reader.streams}
        for packet in reader.demux():
            if packet.dts is None or packet.pts is None:
                continue
            if packet.stream.type == "audio":
                seen += 1
                if seen - 1 == lost:
                    continue
                packet.dts += int(delay / packet.time_base)
                packet.pts += int(delay / packet.time_base)
            packet.stream = outputs[packet.stream.index]
            writer.mux_one(packet)


def test_an_encoder_keeps_no_real_time_priority(tmp_path: Path) -> None:
    """What this process starts later would inherit it."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    make_clip(tmp_path / "clip.mkv", codec="libsvtav1", frames=2)
    assert (os.sched_getscheduler(0), os.sched_getparam(0)) == before
