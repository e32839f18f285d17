"""The rules every segment of every rendition must keep, on real and generated films."""

import hashlib
import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import m3u8
import pytest

from media_pipeline.packages import hls_ts
from media_pipeline.titles.title import Title
from media_pipeline.transport.mpegts import TS_START
from tests.benchmarks.material import repeat_title
from tests.clips.fixtures import ClipCache
from tests.clips.real import real_clip
from tests.media_pipeline.titles import QUICK, TWO_RUNGS, cached_title, clip_title, packaged
from tests.media_pipeline.transport_stream import (
    PAT,
    PMT,
    Packet,
    adts_payloads,
    nal_types,
    packets,
    section,
    units,
)
from videoflix.demo_film import find_clip, make_film

VIDEO, AUDIO = 0x100, 0x101
AUD, SPS, PPS, IDR = 9, 7, 8, 5

# Rates and seconds.
GENERATED = {
    "25 fps": (Fraction(25), 38),
    "29.97 fps": (Fraction(30000, 1001), 65),
    "59.94 fps": (Fraction(60000, 1001), 26),
}
REAL = ("bigbuckbunny.mp4", "bikes.mp4", "carphone_distorted.mp4", "carphone_pristine.mp4")


@dataclass(frozen=True)
class Cut:
    """A title, what it was made of, and all segments of all its renditions."""

    source: str
    title: Title
    segments: dict[str, list[bytes]]


DEMO = "the demo's film"
REORDERED = "with B-frames"
LONG = "seven minutes of small pictures"
LONG_GOPS = 216


def _source(name: str, clip_cache: ClipCache) -> Path:
    if name == DEMO:
        return clip_cache.once(name, lambda path: make_film(find_clip(), path), suffix=".mp4")
    if name == REORDERED:
        return clip_cache.clip(width=320, height=180, seconds=20).path
    if name in GENERATED:
        rate, seconds = GENERATED[name]
        return clip_cache.clip(width=640, height=360, rate=rate, seconds=seconds).path
    return real_clip(name)


def title_of(name: str, clip_cache: ClipCache) -> Title:
    """The title made of one of the films above, encoded once in a test session."""
    if name == LONG:
        return Title(clip_cache.once(name, lambda path: _long_title(clip_cache, path)))
    source = _source(name, clip_cache)
    settings = replace(QUICK, preset="veryfast") if name == REORDERED else QUICK
    return cached_title(clip_cache, source, settings)


def _long_title(clip_cache: ClipCache, output: Path) -> None:
    _, unit = clip_title(clip_cache, TWO_RUNGS, width=160, height=90, seconds=38)
    repeat_title(unit.folder, output, LONG_GOPS)


FILMS = (LONG, DEMO, REORDERED, *GENERATED, *REAL)


@pytest.fixture(scope="module", params=FILMS)
def cut(request: pytest.FixtureRequest, clip_cache: ClipCache) -> Cut:
    title = title_of(request.param, clip_cache)
    count = title.grid.segment_count
    # Cut out of order: nothing may depend on the segment before.
    order = [*range(1, count, 2), *range(0, count, 2)]
    found = {name: {n: bytes(title.cut_ts(name, n)) for n in order} for name in title.names}
    return Cut(
        request.param,
        title,
        {name: [made[n] for n in range(count)] for name, made in found.items()},
    )


def _each(cut: Cut) -> Iterator[tuple[str, int, list[Packet]]]:
    for name, segments in cut.segments.items():
        for index, segment in enumerate(segments):
            yield name, index, list(packets(segment))


def _playlist(cut: Cut, name: str) -> m3u8.M3U8:
    return m3u8.loads(hls_ts.media(packaged(cut.title), name))


def test_a_segment_starts_with_pat_pmt_and_an_idr_with_its_parameter_sets(cut: Cut) -> None:
    for name, index, found in _each(cut):
        place = f"{name} segment {index}"
        begins = f"{place}: RFC 8216 §3.2: PAT and PMT, then a picture that needs no other"
        assert [packet.pid for packet in found[:3]] == [PAT, PMT, VIDEO], begins
        assert found[2].starts_unit, begins
        assert found[2].is_random_access, f"{place}: ISO/IEC 13818-1 §2.4.3.5"
        kinds = nal_types(units(found, VIDEO)[0].data)
        assert kinds[0] == AUD, f"{place}: ISO/IEC 13818-1 §2.14.1: access unit delimiter"
        assert {SPS, PPS, IDR} <= set(kinds), f"{place}: RFC 8216 §4.3.5.1: decodes by itself"
        order = kinds.index(SPS) < kinds.index(PPS) < kinds.index(IDR)
        assert order, f"{place}: ISO/IEC 14496-10 §7.4.1.2.1: parameter sets come first"


def test_tables_say_what_is_in_the_segment(cut: Cut) -> None:
    sound = [(0x0F, AUDIO)] if cut.title.manifest.audio else []
    for name, index, found in _each(cut):
        place = f"{name} segment {index}"
        programs = section(found[0])
        assert programs[0] == 0, f"{place}: ISO/IEC 13818-1 §2.4.4.4: table_id"
        listed = (int.from_bytes(programs[10:12], "big") & 0x1FFF, len(programs))
        assert listed == (PMT, 12), f"{place}: RFC 8216 §3.2: a single program"
        streams = section(found[1])
        assert streams[0] == 2, f"{place}: ISO/IEC 13818-1 §2.4.4.9: table_id"
        clock = int.from_bytes(streams[8:10], "big") & 0x1FFF
        assert clock == VIDEO, f"{place}: ISO/IEC 13818-1 §2.4.4.9: PCR_PID"
        at = 12 + (int.from_bytes(streams[10:12], "big") & 0x0FFF)
        kinds = []
        while at < len(streams):
            kinds.append((streams[at], int.from_bytes(streams[at + 1 : at + 3], "big") & 0x1FFF))
            at += 5 + (int.from_bytes(streams[at + 3 : at + 5], "big") & 0x0FFF)
        assert kinds == [(0x1B, VIDEO), *sound], f"{place}: ISO/IEC 13818-1 §2.4.4.9: stream_type"
        carried = {packet.pid for packet in found} - {PAT, PMT}
        assert carried == {pid for _, pid in kinds}, f"{place}: ISO/IEC 13818-1 §2.4.4.8"


def test_only_the_first_picture_of_each_gop_is_an_idr(cut: Cut) -> None:
    gop = cut.title.grid.gop_frames
    for name, index, found in _each(cut):
        pictures = units(found, VIDEO)
        idrs = [n for n, unit in enumerate(pictures) if IDR in nal_types(unit.data)]
        place = f"{name} segment {index}: RFC 8216 §4.3.5.1: closed GOPs"
        assert idrs == list(range(0, len(pictures), gop)), place


def test_a_segment_lasts_as_long_as_its_extinf(cut: Cut) -> None:
    grid = cut.title.grid
    for name, segments in cut.segments.items():
        playlist = _playlist(cut, name)
        assert len(playlist.segments) == len(segments), "RFC 8216 §4.3.3"
        starts = []
        for index, segment in enumerate(segments):
            times = sorted(unit.pts for unit in units(list(packets(segment)), VIDEO))
            starts.append(times[0])
            promised = Fraction(str(playlist.segments[index].duration)) * 90_000
            lasts = times[-1] + Fraction(90_000) / grid.rate - times[0]
            assert abs(lasts - promised) <= 1, f"{name} segment {index}: RFC 8216 §4.3.2.1: EXTINF"
        # No drift: every segment starts where the durations before it say.
        total = Fraction(0)
        for index, start in enumerate(starts):
            place = f"{name} segment {index}: RFC 8216 §6.2.1: its time in the film"
            assert abs(start - TS_START - total * 90_000) <= 1, place
            total += Fraction(str(playlist.segments[index].duration))
        ends = "RFC 8216 §4.3.2.1: all durations are the film's"
        assert abs(total - grid.duration) <= Fraction(len(segments), 1_000_000), ends


def test_durations_have_six_decimals_and_fit_the_target_duration(cut: Cut) -> None:
    for name in cut.segments:
        text = hls_ts.media(packaged(cut.title), name)
        durations = [
            line[len("#EXTINF:") : -1] for line in text.splitlines() if line.startswith("#EXTINF")
        ]
        exact = "RFC 8216 §4.3.2.1: decimal fractions of a second"
        assert all(len(duration.partition(".")[2]) == 6 for duration in durations), exact
        target = _playlist(cut, name).target_duration
        assert max(round(float(duration)) for duration in durations) == target, "RFC 8216 §4.3.3.1"
        assert text.endswith("#EXT-X-ENDLIST\n"), "RFC 8216 §4.3.3.4"


def test_the_same_segment_starts_at_the_same_time_in_all_renditions(cut: Cut) -> None:
    starts = {
        name: [units(list(packets(segment)), VIDEO)[0].pts for segment in segments]
        for name, segments in cut.segments.items()
    }
    assert len({tuple(found) for found in starts.values()}) == 1, "RFC 8216 §6.2.4: same time line"


def test_pictures_stand_on_one_grid_without_gap_or_overlap(cut: Cut) -> None:
    grid = cut.title.grid
    for name, segments in cut.segments.items():
        times = [
            unit.pts - TS_START
            for segment in segments
            for unit in sorted(units(list(packets(segment)), VIDEO), key=lambda unit: unit.pts)
        ]
        assert len(times) == grid.frames, f"{name}: RFC 8216 §3: each picture in one segment"
        for frame, time in enumerate(times):
            place = f"{name} picture {frame}: ISO/IEC 13818-1 §2.4.3.7: PTS"
            assert abs(time - frame * 90_000 / grid.rate) <= Fraction(1, 2), place


def test_decoding_times_grow_through_the_film(cut: Cut) -> None:
    for name, segments in cut.segments.items():
        for pid in (VIDEO, AUDIO):
            found = [u for s in segments for u in units(list(packets(s)), pid)]
            place = f"{name}: ISO/IEC 13818-1 §2.7.5: decoding times"
            assert all(unit.dts <= unit.pts for unit in found), place
            assert all(a.dts < b.dts for a, b in pairwise(found)), place


def test_continuity_counters_run_through_the_film(cut: Cut) -> None:
    for name, segments in cut.segments.items():
        last: dict[int, int] = {}
        place = f"{name}: ISO/IEC 13818-1 §2.4.3.3: continuity_counter"
        for packet in packets(b"".join(segments)):
            assert not packet.is_discontinuity, "RFC 8216 §4.3.2.3: no discontinuity is announced"
            if packet.pid in last:
                expected = (last[packet.pid] + packet.has_payload) % 16
                assert packet.counter == expected, place
            last[packet.pid] = packet.counter


def test_the_clock_comes_before_the_pictures_and_at_least_every_tenth_second(cut: Cut) -> None:
    for name, segments in cut.segments.items():
        clocks = []
        for segment in segments:
            found = list(packets(segment))
            first = next(packet.pcr for packet in found if packet.pcr is not None)
            assert first is not None
            place = f"{name}: ISO/IEC 13818-1 §2.4.2.2: the clock before what it times"
            assert first < units(found, VIDEO)[0].dts * 300, place
            clocks += [packet.pcr for packet in found if packet.pcr is not None]
        gaps = [b - a for a, b in pairwise(clocks)]
        place = f"{name}: ISO/IEC 13818-1 §2.7.2: a clock every 100 ms"
        assert all(0 < gap <= 27_000_000 // 10 for gap in gaps), place


def test_every_aac_frame_is_in_exactly_one_segment(cut: Cut) -> None:
    if not cut.title.manifest.audio:
        assert not any(units(found, AUDIO) for _, _, found in _each(cut))
        return
    with av.open(str(cut.title.folder / "audio-0.mp4")) as container:
        stored = [bytes(packet) for packet in container.demux() if packet.size]
    for name, segments in cut.segments.items():
        found: list[bytes] = []
        for segment in segments:
            sound = units(list(packets(segment)), AUDIO)
            for unit in sound:
                # The first frame is the encoder's priming, one frame before the film's start.
                expected = TS_START + Fraction((len(found) - 1) * 1024 * 90_000, 48_000)
                assert abs(unit.pts - expected) <= 1, f"{name}: ISO/IEC 13818-1 §2.4.3.7: PTS"
                found += adts_payloads(unit.data)
        assert found == stored, f"{name}: RFC 8216 §3: no sound is lost or doubled at a border"


def test_sound_is_cut_at_the_frame_nearest_to_the_border(cut: Cut) -> None:
    if not cut.title.manifest.audio:
        return
    half = Fraction(1024 * 90_000, 48_000) / 2
    for name, segments in cut.segments.items():
        for index, segment in enumerate(segments[1:], 1):
            found = list(packets(segment))
            picture, sound = units(found, VIDEO)[0], units(found, AUDIO)[0]
            place = f"{name} segment {index}: RFC 8216 §3: sound of the segment's own time"
            assert abs(sound.pts - picture.pts) <= half + 1, place


def test_a_segment_decodes_alone_without_an_error_line(cut: Cut, tmp_path: Path) -> None:
    paths, expected = [], []
    for name, index, found in _each(cut):
        path = tmp_path / f"{name}-{index}.ts"
        path.write_bytes(cut.segments[name][index])
        paths.append(str(path))
        sound = [frame for unit in units(found, AUDIO) for frame in adts_payloads(unit.data)]
        expected.append(f"{len(units(found, VIDEO))} {len(sound)}")
    done = subprocess.run(
        [sys.executable, "-m", "tests.media_pipeline.decode_alone", *paths],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "", "RFC 8216 §6.2.1: a segment can be decoded alone"
    assert done.stdout.splitlines() == expected, "RFC 8216 §6.2.1: all of it"


def _digests(source: str | io.BytesIO, kind: str) -> list[str]:
    """One hash for each decoded picture or block of sound."""
    found = []
    with av.open(source, "r") as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        for frame in container.decode(stream):
            assert isinstance(frame, av.VideoFrame | av.AudioFrame)
            found.append(hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest())
    return found


def test_all_segments_joined_decode_to_exactly_the_mezzanine(cut: Cut) -> None:
    for name, segments in cut.segments.items():
        joined = _digests(io.BytesIO(b"".join(segments)), "video")
        stored = _digests(str(cut.title.folder / f"{name}.mp4"), "video")
        assert joined == stored, f"{name}: RFC 8216 §3: segments are the film when joined"
    if cut.title.manifest.audio:
        joined = _digests(io.BytesIO(b"".join(segments)), "audio")
        stored = _digests(str(cut.title.folder / "audio-0.mp4"), "audio")
        # The track file's edit list drops the priming frame; a transport stream has none.
        assert joined[1:] == stored, "RFC 8216 §3: segments are the film when joined"


def test_cutting_again_gives_equal_bytes(cut: Cut) -> None:
    again = Title(cut.title.folder)
    for name, segments in cut.segments.items():
        assert [again.cut_ts(name, index) for index in range(len(segments))] == segments


def test_bandwidths_are_those_of_the_segments(cut: Cut) -> None:
    grid = cut.title.grid
    playlist = m3u8.loads(hls_ts.multivariant(packaged(cut.title)))
    assert [p.uri for p in playlist.playlists] == [
        f"/api/video/1/{name}/index.m3u8" for name in cut.segments
    ]
    for variant, (name, segments) in zip(playlist.playlists, cut.segments.items(), strict=True):
        rates = [
            len(segment) * 8 / grid.segment_seconds(index) for index, segment in enumerate(segments)
        ]
        info = variant.stream_info
        assert max(rates) <= info.bandwidth < max(rates) + 1, f"{name}: RFC 8216 §4.3.4.2"
        average = sum(map(len, segments)) * 8 / grid.duration
        assert average <= info.average_bandwidth < average + 1, f"{name}: RFC 8216 §4.3.4.2"
        facts = cut.title.renditions[name]
        assert info.resolution == (facts.width, facts.height), f"{name}: RFC 8216 §4.3.4.2"


def test_renditions_differ(cut: Cut) -> None:
    """A guard for the tests above: that there is something to compare."""
    sizes = {(facts.width, facts.height) for facts in cut.title.renditions.values()}
    assert len(sizes) == len(cut.segments)
    if cut.source in (DEMO, *GENERATED):
        assert len(sizes) == 3
        assert cut.title.grid.segment_count >= 4


def test_rules_are_held_against_hundreds_of_segments(clip_cache: ClipCache) -> None:
    """A guard for the tests above."""
    titles = [title_of(name, clip_cache) for name in FILMS]
    assert sum(len(title.names) * title.grid.segment_count for title in titles) >= 240
