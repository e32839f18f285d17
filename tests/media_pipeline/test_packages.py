"""The rules of every format that is made of a mezzanine, on generated and real films."""

import io
import re
from collections.abc import Iterator
from fractions import Fraction

import av
import pytest

from media_pipeline.packages import hls_cmaf, hls_sides, hls_ts, packed_audio
from media_pipeline.packages.package import Package
from media_pipeline.timeline import AAC_FRAME, AUDIO_RATE
from media_pipeline.titles.cmaf import IFrame
from media_pipeline.titles.verified import Part
from media_pipeline.transport.mpegts import TS_START
from tests.clips.fixtures import ClipCache
from tests.media_pipeline import conforming
from tests.media_pipeline.test_segments import DEMO, REORDERED, title_of
from tests.media_pipeline.titles import packaged, rich_title
from tests.media_pipeline.transport_stream import adts_payloads

RICH = "several sounds and subtitles"
REAL = "bikes.mp4"
SILENT = "carphone_pristine.mp4"
MINUTE = "29.97 fps"


@pytest.fixture(scope="module", params=[RICH, REORDERED, MINUTE, DEMO, REAL, SILENT])
def package(request: pytest.FixtureRequest, clip_cache: ClipCache) -> Package:
    if request.param == RICH:
        return packaged(rich_title(clip_cache))
    return packaged(title_of(request.param, clip_cache))


@pytest.fixture(scope="module")
def rich(clip_cache: ClipCache) -> Package:
    return packaged(rich_title(clip_cache))


def read(part: Part, first: int = 0, end: int | None = None) -> bytes:
    end = part.size if end is None else end
    with part.open(first, end) as file:
        return file.read(end - first)


def cmaf_segments(package: Package, track: str) -> list[bytes]:
    opened = package.track(track)
    return [read(opened.segment(index)) for index in range(package.grid.segment_count)]


def tracks(package: Package) -> Iterator[str]:
    yield from package.title.names
    yield from package.sounds


def packets_of(data: bytes) -> "list[av.Packet[av.stream.Stream]]":
    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        return [packet for packet in container.demux() if packet.size]


def pictures_in(data: bytes, form: str) -> int:
    options = {"err_detect": "explode"}
    with av.open(io.BytesIO(data), "r", format=form, options=options) as container:
        stream = container.streams.video[0]
        stream.codec_context.options = options
        return len(list(container.decode(stream)))


def test_both_multivariant_playlists_keep_the_rules(package: Package) -> None:
    for text in (hls_ts.multivariant(package), hls_cmaf.multivariant(package)):
        conforming.check_multivariant(text)
        variants = conforming.attributes(text, "EXT-X-STREAM-INF")
        expected = [facts.codecs for facts in package.manifest.renditions]
        assert [found["CODECS"].strip('"').split(",")[0] for found in variants] == expected
        sounds = {",".join(found["CODECS"].strip('"').split(",")[1:]) for found in variants}
        assert sounds == {"mp4a.40.2" if package.sounds else ""}, "RFC 8216 §4.3.4.2: CODECS"


def test_films_differ(package: Package) -> None:
    """A guard for the tests here: what they are to hold for is there."""
    name = package.title.folder
    playlist = hls_cmaf.multivariant(package)
    assert ("TYPE=AUDIO" in playlist) == bool(package.sounds), name
    if package.manifest.rate.denominator == 1001 and package.grid.duration > 60:
        assert package.grid.segment_count >= 10


def test_cmaf_bandwidth_is_that_of_the_largest_picture_and_sound(package: Package) -> None:
    """RFC 8216 §4.3.4.2: the sum of what is played together."""
    grid = package.grid
    lengths = [grid.segment_seconds(index) for index in range(grid.segment_count)]
    beside = Fraction(0)
    for sound in package.sounds:
        playlist = conforming.media(hls_cmaf.media(package, sound))
        seconds = [Fraction(str(found.duration)) for found in playlist.segments]
        sizes = map(len, cmaf_segments(package, sound))
        rates = [8 * size / length for size, length in zip(sizes, seconds, strict=True)]
        beside = max(beside, *rates)
    text = [len(package.mapped_text(name, 0).encode()) for name in package.texts]
    beside += 8 * max(text, default=0) / grid.duration
    listed = conforming.attributes(hls_cmaf.multivariant(package), "EXT-X-STREAM-INF")
    for found, name in zip(listed, package.title.names, strict=True):
        sizes = map(len, cmaf_segments(package, name))
        most = max(8 * size / length for size, length in zip(sizes, lengths, strict=True))
        assert abs(int(found["BANDWIDTH"]) - (most + beside)) <= 2, name


def test_cmaf_segments_are_the_mezzanine_each_byte_once(package: Package) -> None:
    for name in tracks(package):
        init = read(package.track(name).init)
        assert init[4:8] == b"ftyp", "RFC 8216 §3.3"
        size = int.from_bytes(init[:4], "big")
        brands = {init[at : at + 4] for at in range(16, size, 4)}
        assert brands & {b"iso6", b"iso7", b"iso8", b"iso9", b"cmfc"}, "RFC 8216 §3.3: iso6"
        whole = (package.title.folder / f"{name}.mp4").read_bytes()
        assert init + b"".join(cmaf_segments(package, name)) == whole, name


def test_cmaf_durations_are_those_of_the_samples(package: Package) -> None:
    for name in tracks(package):
        playlist = conforming.media(hls_cmaf.media(package, name))
        init = read(package.track(name).init)
        start = Fraction(0)
        segments = cmaf_segments(package, name)
        assert len(playlist.segments) == len(segments)
        for index, (entry, data) in enumerate(zip(playlist.segments, segments, strict=True)):
            place = f"{name} segment {index}: RFC 8216 §4.3.2.1"
            packets = packets_of(init + data)
            shown = [p for p in packets if p.pts is not None and p.pts >= 0]
            first = min(p.pts * p.time_base for p in shown if p.pts is not None)
            lasts = sum((p.duration or 0) * p.time_base for p in shown)
            assert packets[0].is_keyframe, place
            assert abs(Fraction(str(entry.duration)) - lasts) < Fraction(1, 1_000_000), place
            assert first == start, place
            start += lasts
        assert 0 <= start - package.grid.duration <= Fraction(1, 4), name


def test_each_cmaf_segment_decodes_alone(package: Package) -> None:
    grid = package.grid
    for name in package.title.names[:1]:
        init = read(package.track(name).init)
        for index, data in enumerate(cmaf_segments(package, name)):
            assert pictures_in(init + data, "mp4") == grid.segment(index).frames, f"{name} {index}"


def test_target_durations_are_equal_in_all_that_is_played_together(package: Package) -> None:
    """RFC 8216 §6.2.4: but in subtitles and I-frames."""
    cmaf = [hls_cmaf.media(package, name) for name in tracks(package)]
    ts = [hls_ts.media(package, name) for name in package.title.names]
    ts += [hls_ts.packed(package, facts.name) for facts in package.packed]
    for family in (cmaf, ts):
        assert len({conforming.media(text).target_duration for text in family}) == 1


def check_i_frames(package: Package, text: str) -> None:
    grid = package.grid
    playlist = conforming.media(text)
    assert playlist.is_i_frames_only, "RFC 8216 §4.3.3.6"
    assert len(playlist.segments) == grid.gops, "RFC 8216 §4.3.3.6: every IDR"
    total = sum(Fraction(str(found.duration)) for found in playlist.segments)
    assert abs(total - grid.duration) <= Fraction(grid.gops, 1_000_000)


def ranges(text: str) -> Iterator[tuple[int, int, int]]:
    """Segment, offset and size of each byte range, in order."""
    found = re.findall(
        r"#EXT-X-BYTERANGE:(\d+)@(\d+)\n\S*/segment_(\d+)\.\w+\?v=generation\n", text
    )
    assert len(found) == text.count("#EXTINF"), "RFC 8216 §4.3.2.2"
    for size, offset, segment in found:
        yield int(segment), int(offset), int(size)


def test_ts_i_frames_are_one_picture_each(package: Package) -> None:
    name = package.title.names[0]
    text = hls_ts.i_frames(package, name)
    check_i_frames(package, text)
    segments = [bytes(package.title.cut_ts(name, n)) for n in range(package.grid.segment_count)]
    for segment, offset, size in ranges(text):
        data = segments[segment][offset : offset + size]
        assert len(data) == size, "RFC 8216 §4.3.2.2: inside of the resource"
        assert pictures_in(data, "mpegts") == 1, f"segment {segment} at {offset}"


def test_cmaf_i_frames_are_one_picture_each(package: Package) -> None:
    name = package.title.names[0]
    text = hls_cmaf.i_frames(package, name)
    check_i_frames(package, text)
    track = package.video(name)
    init = read(track.init)
    for segment, offset, size in ranges(text):
        data = read(track.segment(segment), offset, offset + size)
        assert data[4:8] == b"moof", "RFC 8216 §3.3"
        assert pictures_in(init + data, "mp4") == 1, f"segment {segment} at {offset}"


def test_i_frame_bandwidth_is_the_peak_of_the_rfc(package: Package) -> None:
    """RFC 8216 §4.1: of runs between half and one and a half target durations."""
    name = package.title.names[0]
    found: list[IFrame] = package.video(name).i_frames()
    listed = conforming.attributes(hls_cmaf.multivariant(package), "EXT-X-I-FRAME-STREAM-INF")
    runs = [
        found[a:b] for a in range(len(found)) for b in range(a + 1, min(a + 40, len(found)) + 1)
    ]
    rates = [
        8 * sum(frame.size for frame in run) / length
        for run in runs
        if 1 <= (length := sum((frame.seconds for frame in run), Fraction(0))) <= 3
    ]
    assert 0 <= int(listed[0]["BANDWIDTH"]) - max(rates) < 1


def test_further_sounds_are_on_the_time_line_of_ts_segments(rich: Package) -> None:
    assert [facts.name for facts in rich.packed] == ["audio-1", "audio-2"]
    for facts in rich.packed:
        playlist = conforming.media(hls_ts.packed(rich, facts.name))
        track = rich.title.track(facts.name)
        frames: list[bytes] = []
        for index, entry in enumerate(playlist.segments):
            data = packed_audio.packed_segment(
                track.configuration, track.samples(rich.grid.segment(index))
            )
            assert len(data) == packed_audio.measure(rich.audio(facts.name), index).size
            assert data[:3] == b"ID3", "RFC 8216 §3.4"
            tag = 10 + data[9]
            owner, _, ticks = data[20:tag].partition(b"\0")
            assert owner == b"com.apple.streaming.transportStreamTimestamp", "RFC 8216 §3.4"
            # The first frame is the encoder's priming, one frame before the film's start.
            expected = TS_START + Fraction((len(frames) - 1) * AAC_FRAME * 90_000, AUDIO_RATE)
            assert abs(int.from_bytes(ticks, "big") - expected) <= 1
            mine = adts_payloads(data[tag:])
            lasts = Fraction(len(mine) * AAC_FRAME, AUDIO_RATE)
            assert abs(Fraction(str(entry.duration)) - lasts) < Fraction(1, 1_000_000)
            frames += mine
        with av.open(str(rich.title.folder / f"{facts.name}.mp4")) as container:
            assert frames == [bytes(packet) for packet in container.demux() if packet.size]


def test_the_default_sound_is_in_the_ts_variants(rich: Package) -> None:
    found = conforming.attributes(hls_ts.multivariant(rich), "EXT-X-MEDIA")
    sounds = [each for each in found if each["TYPE"] == "AUDIO"]
    assert [each.get("URI") for each in sounds] == [
        None,  # RFC 8216 §4.3.4.2.1
        '"/api/video/1/audio-1/index.m3u8"',
        '"/api/video/1/audio-2/index.m3u8"',
    ]
    assert [each["DEFAULT"] for each in sounds] == ["YES", "NO", "NO"]
    assert [each["LANGUAGE"] for each in sounds] == ['"en"', '"de"', '"en"']
    assert [each["NAME"] for each in sounds][2] == "\"The 'director'\"", "RFC 8216 §4.2: quotes"
    assert {each["CHANNELS"] for each in sounds} == {'"2"'}


@pytest.mark.parametrize(("start", "folder"), [(TS_START, ""), (0, "cmaf/")])
def test_subtitles_say_where_their_time_begins(rich: Package, start: int, folder: str) -> None:
    playlist = conforming.media(hls_sides.subtitle_playlist(rich, folder, "text-0"))
    [entry] = playlist.segments
    assert entry.uri == f"/api/video/1/{folder}text-0/segment_000.vtt?v=generation"
    assert Fraction(str(entry.duration)) == rich.grid.duration
    lines = rich.mapped_text("text-0", start).splitlines()
    assert lines[0] == "WEBVTT", "RFC 8216 §3.5"
    assert lines[1] == f"X-TIMESTAMP-MAP=MPEGTS:{start},LOCAL:00:00:00.000", "RFC 8216 §3.5"
    assert lines[2:] == (rich.title.folder / "text-0.vtt").read_text().splitlines()[1:]


def test_subtitles_in_the_multivariant_playlist(rich: Package) -> None:
    for text, folder in ((hls_ts.multivariant(rich), ""), (hls_cmaf.multivariant(rich), "cmaf/")):
        found = [f for f in conforming.attributes(text, "EXT-X-MEDIA") if f["TYPE"] != "AUDIO"]
        assert [f["URI"] for f in found] == [
            f'"/api/video/1/{folder}text-{n}/index.m3u8"' for n in range(2)
        ]
        assert [f["LANGUAGE"] for f in found] == ['"de"', '"en"']
        assert [f["DEFAULT"] for f in found] == ["YES", "NO"]
        assert "describes-music-and-sound" in found[1]["CHARACTERISTICS"], "RFC 8216 §4.3.4.1"


def test_the_image_playlist_covers_the_film(package: Package) -> None:
    text = hls_sides.image_playlist(package)
    conforming.media(text)
    assert "#EXT-X-IMAGES-ONLY\n" in text
    facts = package.manifest.storyboard
    tiles = conforming.attributes(text, "EXT-X-TILES")
    assert len(tiles) == facts.sheets
    for found in tiles:
        assert found["RESOLUTION"] == f"{facts.width}x{facts.height}"
        assert found["LAYOUT"] == f"{facts.columns}x{facts.rows}"
    durations = map(Fraction, re.findall(r"#EXTINF:([\d.]+),", text))
    assert abs(sum(durations) - package.grid.duration) <= Fraction(facts.sheets, 1_000_000)


def test_the_storyboard_leads_on_from_any_path(package: Package) -> None:
    stored = (package.title.folder / "storyboard.vtt").read_text()
    served = package.storyboard()
    found = re.findall(r"(?m)^/api/video/1/(sprite-\d+\.jpg)\?v=generation#(xywh=\S+)$", served)
    assert found == re.findall(r"(?m)^(sprite-\d+\.jpg)#(xywh=\S+)$", stored)
    assert len(found) == package.manifest.storyboard.count
