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

from media_pipeline import hls_ts
from media_pipeline.mpegts import TS_START
from media_pipeline.title import Title
from tests.clips.fixtures import ClipCache
from tests.clips.real import real_clip
from tests.media_pipeline.titles import QUICK, encode_title, packaged
from tests.media_pipeline.transport_stream import (
    PAT,
    PMT,
    Packet,
    adts_payloads,
    nal_types,
    packets,
    units,
)
from videoflix.demo_film import find_clip, make_film

VIDEO, AUDIO = 0x100, 0x101
AUD, SPS, PPS, IDR = 9, 7, 8, 5

GENERATED = {
    "25 fps": Fraction(25),
    "29.97 fps": Fraction(30000, 1001),
    "59.94 fps": Fraction(60000, 1001),
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


def _source(name: str, clip_cache: ClipCache) -> Path:
    if name == DEMO:
        return clip_cache.once(name, lambda path: make_film(find_clip(), path), suffix=".mp4")
    if name == REORDERED:
        return clip_cache.clip(width=320, height=180, seconds=20).path
    if name in GENERATED:
        return clip_cache.clip(width=640, height=360, rate=GENERATED[name], seconds=65).path
    return real_clip(name)


def title_of(name: str, clip_cache: ClipCache) -> Title:
    """The title made of one of the films above, encoded once in a test session."""
    source = _source(name, clip_cache)
    settings = replace(QUICK, preset="veryfast") if name == REORDERED else QUICK
    return Title(
        clip_cache.once(f"title {name}", lambda path: encode_title(source, path, settings))
    )


@pytest.fixture(scope="module", params=[DEMO, REORDERED, *GENERATED, *REAL])
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
        assert [packet.pid for packet in found[:3]] == [PAT, PMT, VIDEO], place
        assert found[2].starts_unit, place
        assert found[2].is_random_access, place
        first = units(found, VIDEO)[0]
        kinds = nal_types(first.data)
        assert kinds[0] == AUD, place
        assert {SPS, PPS, IDR} <= set(kinds), place
        assert kinds.index(SPS) < kinds.index(PPS) < kinds.index(IDR), place


def test_only_the_first_picture_of_each_gop_is_an_idr(cut: Cut) -> None:
    gop = cut.title.grid.gop_frames
    for name, index, found in _each(cut):
        pictures = units(found, VIDEO)
        idrs = [n for n, unit in enumerate(pictures) if IDR in nal_types(unit.data)]
        assert idrs == list(range(0, len(pictures), gop)), f"{name} segment {index}"


def test_a_segment_lasts_as_long_as_its_extinf(cut: Cut) -> None:
    grid = cut.title.grid
    for name, segments in cut.segments.items():
        playlist = _playlist(cut, name)
        assert len(playlist.segments) == len(segments)
        starts = []
        for index, segment in enumerate(segments):
            times = sorted(unit.pts for unit in units(list(packets(segment)), VIDEO))
            starts.append(times[0])
            promised = Fraction(str(playlist.segments[index].duration)) * 90_000
            lasts = times[-1] + Fraction(90_000) / grid.rate - times[0]
            assert abs(lasts - promised) <= 1, f"{name} segment {index}"
        # No drift: every segment starts where the durations before it say.
        total = Fraction(0)
        for index, start in enumerate(starts):
            assert abs(start - TS_START - total * 90_000) <= 1, f"{name} segment {index}"
            total += Fraction(str(playlist.segments[index].duration))
        assert abs(total - grid.duration) <= Fraction(len(segments), 1_000_000)


def test_durations_have_six_decimals_and_fit_the_target_duration(cut: Cut) -> None:
    for name in cut.segments:
        text = hls_ts.media(packaged(cut.title), name)
        durations = [
            line[len("#EXTINF:") : -1] for line in text.splitlines() if line.startswith("#EXTINF")
        ]
        assert all(len(duration.partition(".")[2]) == 6 for duration in durations)
        target = _playlist(cut, name).target_duration
        assert max(round(float(duration)) for duration in durations) == target
        assert text.endswith("#EXT-X-ENDLIST\n")


def test_the_same_segment_starts_at_the_same_time_in_all_renditions(cut: Cut) -> None:
    starts = {
        name: [units(list(packets(segment)), VIDEO)[0].pts for segment in segments]
        for name, segments in cut.segments.items()
    }
    assert len({tuple(found) for found in starts.values()}) == 1


def test_pictures_stand_on_one_grid_without_gap_or_overlap(cut: Cut) -> None:
    grid = cut.title.grid
    for name, segments in cut.segments.items():
        times = [
            unit.pts - TS_START
            for segment in segments
            for unit in sorted(units(list(packets(segment)), VIDEO), key=lambda unit: unit.pts)
        ]
        assert len(times) == grid.frames, name
        for frame, time in enumerate(times):
            assert abs(time - frame * 90_000 / grid.rate) <= Fraction(1, 2), f"{name} {frame}"


def test_decoding_times_grow_through_the_film(cut: Cut) -> None:
    for name, segments in cut.segments.items():
        for pid in (VIDEO, AUDIO):
            found = [u for s in segments for u in units(list(packets(s)), pid)]
            assert all(unit.dts <= unit.pts for unit in found), name
            assert all(a.dts < b.dts for a, b in pairwise(found)), name


def test_continuity_counters_run_through_the_film(cut: Cut) -> None:
    for name, segments in cut.segments.items():
        last: dict[int, int] = {}
        for packet in packets(b"".join(segments)):
            assert not packet.is_discontinuity
            if packet.has_payload:
                if packet.pid in last:
                    assert packet.counter == (last[packet.pid] + 1) % 16, name
                last[packet.pid] = packet.counter


def test_the_clock_comes_before_the_pictures_and_at_least_every_tenth_second(cut: Cut) -> None:
    for name, segments in cut.segments.items():
        clocks = []
        for segment in segments:
            found = list(packets(segment))
            first = next(packet.pcr for packet in found if packet.pcr is not None)
            assert first is not None
            assert first < units(found, VIDEO)[0].dts * 300, name
            clocks += [packet.pcr for packet in found if packet.pcr is not None]
        gaps = [b - a for a, b in pairwise(clocks)]
        assert all(0 < gap <= 27_000_000 // 10 for gap in gaps), name


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
                assert abs(unit.pts - expected) <= 1, name
                found += adts_payloads(unit.data)
        assert found == stored, name


def test_sound_is_cut_at_the_frame_nearest_to_the_border(cut: Cut) -> None:
    if not cut.title.manifest.audio:
        return
    half = Fraction(1024 * 90_000, 48_000) / 2
    for name, segments in cut.segments.items():
        for index, segment in enumerate(segments[1:], 1):
            found = list(packets(segment))
            picture, sound = units(found, VIDEO)[0], units(found, AUDIO)[0]
            assert abs(sound.pts - picture.pts) <= half + 1, f"{name} segment {index}"


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
    assert done.stderr == ""
    assert done.stdout.splitlines() == expected


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
        assert joined == _digests(str(cut.title.folder / f"{name}.mp4"), "video"), name
    if cut.title.manifest.audio:
        joined = _digests(io.BytesIO(b"".join(segments)), "audio")
        stored = _digests(str(cut.title.folder / "audio-0.mp4"), "audio")
        # The track file's edit list drops the priming frame; a transport stream has none.
        assert joined[1:] == stored


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
        assert max(rates) <= info.bandwidth < max(rates) + 1, name
        average = sum(map(len, segments)) * 8 / grid.duration
        assert average <= info.average_bandwidth < average + 1, name
        facts = cut.title.renditions[name]
        assert info.resolution == (facts.width, facts.height)


def test_renditions_differ(cut: Cut) -> None:
    """A guard for the tests above: that there is something to compare."""
    sizes = {(facts.width, facts.height) for facts in cut.title.renditions.values()}
    assert len(sizes) == len(cut.segments)
    if cut.source in (DEMO, *GENERATED):
        assert len(sizes) == 3
        assert cut.title.grid.segment_count >= 7
