"""Rows of the table of inputs: containers, and what they usually hold."""

from fractions import Fraction
from typing import Any

from tests.clips.ffmpeg import by_ffmpeg
from tests.clips.fixtures import ClipCache
from tests.clips.spec import ClipFacts, Track
from tests.media_pipeline.input_rows import HEIGHT, SECONDS, WIDTH, Row, clip

AAC, MP3, AC3 = Track(), Track(codec="libmp3lame"), Track(codec="ac3")
OPUS, FLAC, MP2 = Track(codec="libopus"), Track(codec="flac"), Track(codec="mp2")
PCM, PCM24 = Track(codec="pcm_s16le"), Track(codec="pcm_s24le")
# AVI cannot say that the encoder put this before the sound, so it is part of it.
MP3_DELAY = Fraction(1105, 48_000)
AMR = Track(codec="libopencore_amrnb", rate=8000, layout="mono", bit_rate=12_200)
QUICK_VPX = {"deadline": "realtime", "cpu-used": "8"}
H264: dict[str, Any] = {"codec": "libx264", "b_frames": 2, "preset": "veryfast"}
HEVC: dict[str, Any] = {"codec": "libx265", "options": {"x265-params": "log-level=none"}}
VP8: dict[str, Any] = {"codec": "libvpx", "options": {**QUICK_VPX, "b": "400k"}}
VP9: dict[str, Any] = {"codec": "libvpx-vp9", "options": {**QUICK_VPX, "b": "400k"}}
AV1: dict[str, Any] = {"codec": "libsvtav1", "crf": 10, "options": {"preset": "10"}}
GOOD = {"b": "6M", "qmin": "2", "qmax": "4", "mbd": "rd"}  # finer ones clip in MPEG-1 and H.263
MPEG1: dict[str, Any] = {"codec": "mpeg1video", "options": GOOD}
MPEG2: dict[str, Any] = {"codec": "mpeg2video", "b_frames": 2, "options": GOOD}
MPEG4: dict[str, Any] = {"codec": "mpeg4", "b_frames": 2, "options": GOOD}
MJPEG: dict[str, Any] = {"codec": "mjpeg", "pix_fmt": "yuvj420p", "options": {"b": "4M"}}
PRORES: dict[str, Any] = {"codec": "prores_ks", "pix_fmt": "yuv422p10le"}
H263: dict[str, Any] = {"codec": "h263", "width": 176, "height": 144, "options": GOOD,
                        "rate": Fraction(30000, 1001), "frames": 60}  # fmt: skip


def _coded_elsewhere(says: str, suffix: str, arguments: str) -> Row:
    """PyAV has no encoder for it, Debian's ffmpeg has."""

    def make(cache: ClipCache) -> ClipFacts:
        clean = cache.clip(
            suffix=".mkv", width=WIDTH, height=HEIGHT, seconds=SECONDS, crf=10, sound=PCM
        )
        return by_ffmpeg(cache, clean, suffix, *arguments.split())

    return Row(says, make)


ROWS = (
    clip("MP4: H.264, AAC", ".mp4", **H264),
    clip("MP4: HEVC, AC-3", ".mp4", **HEVC, sound=AC3),
    clip("MP4: AV1, Opus", ".mp4", **AV1, sound=OPUS),
    clip("MP4: MPEG-4 Visual, MP3", ".mp4", **MPEG4, sound=MP3),
    clip("MP4: VP9, FLAC", ".mp4", **VP9, sound=FLAC),
    clip(
        "MP4 in fragments: H.264, AAC",
        ".mp4",
        **{**H264, "b_frames": 0},
        container_options={"movflags": "frag_keyframe+empty_moov+delay_moov"},
    ),
    clip("MOV: ProRes 422, PCM of 24 bits", ".mov", **PRORES, sound=PCM24),
    clip("MOV: MJPEG, PCM", ".mov", **MJPEG, sound=PCM),
    clip("MOV: H.264, ALAC", ".mov", **H264, sound=Track(codec="alac")),
    clip("MKV: H.264, AC-3", ".mkv", **H264, sound=AC3),
    clip("MKV: HEVC, FLAC", ".mkv", **HEVC, sound=FLAC),
    clip("MKV: MPEG-2, PCM", ".mkv", **MPEG2, sound=PCM),
    clip("MKV: FFV1, Opus", ".mkv", codec="ffv1", sound=OPUS),
    clip("WebM: VP9, Opus", ".webm", **VP9, sound=OPUS),
    clip("WebM: AV1, Opus", ".webm", **AV1, sound=OPUS),
    _coded_elsewhere("WebM: VP8, Vorbis", ".webm", "-c:v libvpx -b:v 500k -c:a libvorbis"),
    clip("AVI: MPEG-4 Visual, MP3", ".avi", **MPEG4, sound=MP3, row={"delay": MP3_DELAY}),
    clip("AVI: MJPEG, PCM", ".avi", **MJPEG, sound=PCM),
    clip("AVI: H.264, AC-3", ".avi", **{**H264, "b_frames": 0}, sound=AC3),
    clip("MPEG-PS: MPEG-1, MP2", ".mpg", **MPEG1, sound=MP2),
    clip("MPEG-PS: MPEG-2, AC-3", ".mpg", **MPEG2, sound=AC3),
    clip("MPEG-TS: H.264, AAC", ".ts", **H264),
    clip("MPEG-TS: HEVC, AC-3", ".ts", **HEVC, sound=AC3),
    clip("MPEG-TS: MPEG-2, MP2", ".ts", **MPEG2, sound=MP2),
    _coded_elsewhere("OGG: Theora, Vorbis", ".ogv", "-c:v libtheora -q:v 9 -c:a libvorbis"),
    _coded_elsewhere("OGG: Theora, FLAC", ".ogg", "-c:v libtheora -q:v 9 -c:a flac"),
    clip("FLV: H.264, AAC", ".flv", **H264),
    clip(
        "FLV: Sorenson Spark, MP3",
        ".flv",
        codec="flv1",
        options=GOOD,
        sound=Track(codec="libmp3lame", rate=44100),
    ),
    clip("3GP: H.264, AAC", ".3gp", **H264),
    clip("3GP: H.263, AMR", ".3gp", **H263, sound=AMR, row={"sizes": {"480p": (176, 132)}}),
    clip("WMV (ASF): WMV 8", ".asf", codec="wmv2", options=GOOD, sound=None),
)
