"""The packager beside libavformat's muxer, and samples of every awkward size."""

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from media_pipeline.errors import DamagedTitle
from media_pipeline.tables import SAMPLE
from media_pipeline.titles.title import Title
from media_pipeline.transport.elementary import Adts, parameter_sets
from media_pipeline.transport.mpegts import (
    TS_START,
    Counters,
    TrackSamples,
    mux_segment,
    next_counters,
)
from media_pipeline.transport.psi import crc32
from tests.clips.fixtures import ClipCache
from tests.media_pipeline import libavformat_ts
from tests.media_pipeline.titles import ONE_RUNG, clip_title
from tests.media_pipeline.transport_stream import PACKET, Unit, adts_payloads, packets, units

VIDEO, AUDIO = 0x100, 0x101
AUD = b"\x00\x00\x00\x01\x09\xf0"
PARAMETERS = b"\x00\x00\x00\x01\x67abc\x00\x00\x00\x01\x68d"
START = Counters(3, 14, 9)
REORDERING = replace(ONE_RUNG, preset="veryfast")


def nal_units(access_unit: bytes) -> list[bytes]:
    """Without their start codes, whether of three bytes or of four (Annex B)."""
    return [unit for unit in re.split(rb"\x00*\x00\x00\x01", access_unit) if unit]


@pytest.fixture(scope="module", params=[Fraction(25), Fraction(30000, 1001)])
def title(request: pytest.FixtureRequest, clip_cache: ClipCache) -> Title:
    from_preset = {"width": 320, "height": 180, "seconds": 20, "rate": request.param}
    _, made = clip_title(clip_cache, REORDERING, **from_preset)
    return made


def both(title: Title, index: int) -> tuple[bytes, bytes]:
    """A segment by the packager and by libavformat."""
    segment = title.grid.segment(index)
    name = title.names[0]
    tracks = [title.track(name), title.track("audio-0")]
    reference = libavformat_ts.mux(
        [(bytes(track.init()), track.samples(segment)) for track in tracks]
    )
    return bytes(title.cut_ts(name, index)), reference


def test_pictures_and_sound_are_those_of_the_reference(title: Title) -> None:
    for index in range(title.grid.segment_count):
        ours, reference = (list(packets(data)) for data in both(title, index))
        mine, theirs = units(ours, VIDEO), units(reference, VIDEO)
        assert [(u.pts, u.dts) for u in mine] == [(u.pts, u.dts) for u in theirs]
        assert any(unit.pts != unit.dts for unit in mine), "there are B-frames"
        for unit, other in zip(mine, theirs, strict=True):
            # libavformat puts x264's SEI before the parameter sets, where §7.4.1.2.3 of H.264
            # has them first.
            assert sorted(nal_units(unit.data)) == sorted(nal_units(other.data))
            assert nal_units(unit.data)[0] == AUD[4:]
            assert unit.pcr == other.pcr
            assert unit.is_random_access == other.is_random_access
        assert _frames(units(ours, AUDIO)) == _frames(units(reference, AUDIO))


def _frames(sound: Sequence[Unit]) -> list[tuple[int, bytes]]:
    """Each AAC frame with its time to a millisecond, counted on from its PES packet's."""
    return [
        (round((unit.pts + number * 1920) / 90), frame)
        for unit in sound
        for number, frame in enumerate(adts_payloads(unit.data))
    ]


def test_it_is_not_larger_than_the_reference(title: Title) -> None:
    for index in range(title.grid.segment_count):
        ours, reference = both(title, index)
        assert len(ours) <= len(reference)


def samples(payloads: Sequence[bytes], *, delay: int = 0, ticks: int = 3600) -> TrackSamples:
    """Samples at 90 kHz, one after the other, each shown ``delay`` ticks after it is decoded."""
    rows = np.zeros(len(payloads), SAMPLE)
    rows["size"] = [len(payload) for payload in payloads]
    rows["offset"] = 1000 + np.cumsum(rows["size"]) - rows["size"]
    rows["dts"] = np.arange(len(payloads)) * ticks
    rows["pts"] = rows["dts"] + delay
    rows["duration"] = ticks
    rows["idr"][:1] = 1
    return TrackSamples(rows, memoryview(bytearray(b"".join(payloads))), 1000, 90_000)


def prefixed(*bodies: bytes) -> bytes:
    return b"".join(len(body).to_bytes(4, "big") + body for body in bodies)


@pytest.mark.parametrize("delay", [0, 7200])
def test_pictures_of_every_size_arrive_whole(delay: int) -> None:
    """Whatever is left over for the last packet, also when the first is the last."""
    bodies = [bytes([0x41]) + b"\x5a" * size for size in range(420)]
    track = samples([prefixed(body) for body in bodies], delay=delay)
    data = mux_segment((PARAMETERS, track), None, START)
    assert len(data) % PACKET == 0
    found = list(packets(bytes(data)))
    counters = [packet.counter for packet in found if packet.pid == VIDEO]
    assert counters == [(START.video + n) % 16 for n in range(len(counters))]
    pictures = units(found, VIDEO)
    assert [unit.dts - TS_START for unit in pictures] == [n * 3600 for n in range(420)]
    assert {unit.pts - unit.dts for unit in pictures} == {delay}
    for number, (unit, body) in enumerate(zip(pictures, bodies, strict=True)):
        parameters = PARAMETERS if number == 0 else b""
        assert unit.data == AUD + parameters + b"\x00\x00\x00\x01" + body, len(body)
        assert unit.is_random_access == (number == 0)
    after = next_counters(data, START)
    assert after == Counters(START.tables + 1, (START.video + len(counters)) % 16, START.audio)


def test_long_parameter_sets_before_a_short_picture_arrive_whole() -> None:
    for size in range(140, 200):
        parameters = b"\x00\x00\x00\x01\x67" + b"\x42" * size
        track = samples([prefixed(b"\x65\x11")])
        found = list(packets(bytes(mux_segment((parameters, track), None, START))))
        [picture] = units(found, VIDEO)
        assert picture.data == AUD + parameters + b"\x00\x00\x00\x01\x65\x11"


def test_sound_of_every_size_arrives_whole_and_after_the_tables() -> None:
    frames = [b"\x21" + b"\xa5" * size for size in range(400)]
    picture = samples([prefixed(b"\x65\x11")], delay=0)
    sound = samples(frames, ticks=1920)
    sound.rows["dts"] -= 5000  # before the picture
    sound.rows["pts"] -= 5000
    data = mux_segment((PARAMETERS, picture), (Adts(3, 2), sound), START)
    found = list(packets(bytes(data)))
    assert [packet.pid for packet in found[:3]] == [0, 0x1000, VIDEO]
    heard = [frame for unit in units(found, AUDIO) for frame in adts_payloads(unit.data)]
    assert heard == frames
    counters = [packet.counter for packet in found if packet.pid == AUDIO]
    assert counters == [(START.audio + n) % 16 for n in range(len(counters))]


def test_several_slices_get_their_start_codes() -> None:
    bodies = [(b"\x06sei", b"\x65one", b"\x65two"), (b"\x41x",), (b"\x41y", b"\x41z")]
    track = samples([prefixed(*units_) for units_ in bodies])
    found = list(packets(bytes(mux_segment((b"", track), None, START))))
    for unit, expected in zip(units(found, VIDEO), bodies, strict=True):
        assert nal_units(unit.data) == [b"\x09\xf0", *expected]


@pytest.mark.parametrize(
    "damaged",
    [b"\x00\x00\x00\x09abc", b"\x00\x00", prefixed(b"abc") + b"\x00", b"\xff\xff\xff\xff"],
    ids=["too long", "no length", "a rest", "a negative length"],
)
def test_a_sample_whose_lengths_do_not_add_up_is_damaged(damaged: bytes) -> None:
    track = samples([prefixed(b"\x65ok"), damaged, prefixed(b"\x41ok")])
    with pytest.raises(DamagedTitle):
        mux_segment((PARAMETERS, track), None, START)


def test_a_sample_outside_of_its_fragment_is_damaged() -> None:
    track = samples([prefixed(b"\x65ok"), prefixed(b"\x41ok")])
    track.rows["offset"][1] += 1
    with pytest.raises(DamagedTitle):
        mux_segment((PARAMETERS, track), None, START)


def test_codec_records_of_another_kind_are_damaged() -> None:
    for record in (b"", b"\x01\x64\x00\x1f\xfd\xe0\x00", b"\x01\x64\x00\x1f\xff\xe1\x00\x09ab"):
        with pytest.raises(DamagedTitle):
            parameter_sets(record)
    for config in (b"", b"\x2b\x10"):
        with pytest.raises(DamagedTitle):
            Adts.of(config)


def test_the_checksum_of_tables_is_the_standard_one() -> None:
    """CRC-32/MPEG-2 of the usual test string."""
    assert crc32(b"123456789") == 0x0376E6E7
