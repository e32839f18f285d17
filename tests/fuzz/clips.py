"""The small films that are damaged: every container and codec that the generator can make."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.clips.spec import ClipSpec, Track

_REALTIME = {"deadline": "realtime", "cpu-used": "8"}
_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
_AMR = Track(codec="libopencore_amrnb", rate=8000, layout="mono", bit_rate=12_200)
_HALF_A_SECOND = ClipSpec(width=64, height=48, seconds=Fraction(1, 2))


@dataclass(frozen=True)
class Kind:
    """``fields`` are those of ClipSpec that differ from half a second of 64×48 in H.264."""

    suffix: str
    fields: Mapping[str, Any]

    @property
    def spec(self) -> ClipSpec:
        values = {**_HALF_A_SECOND.__dict__, **self.fields}
        return ClipSpec(**values)


def _kind(suffix: str, codec: str, sound: str | Track, **fields: Any) -> Kind:
    options = {"strict": "-2"} if sound == "vorbis" else {}
    track = sound if isinstance(sound, Track) else Track(codec=sound, options=options)
    return Kind(suffix, {"codec": codec, "sound": track, **fields})


KINDS: Mapping[str, Kind] = {
    "mp4-h264-aac": _kind(".mp4", "libx264", "aac"),
    "mp4-hevc-ac3": _kind(".mp4", "libx265", "ac3", options={"x265-params": "log-level=none"}),
    "mp4-mpeg4-mp3": _kind(".mp4", "mpeg4", "libmp3lame", container_options=_FRAGMENTED),
    "mov-prores-pcm": _kind(".mov", "prores_ks", "pcm_s16le", pix_fmt="yuv422p10le"),
    "mov-mjpeg-alac": _kind(".mov", "mjpeg", "alac", pix_fmt="yuvj420p"),
    "mkv-h264-flac": _kind(".mkv", "libx264", "flac", pix_fmt="yuv420p10le", b_frames=2),
    "mkv-ffv1-pcm": _kind(".mkv", "ffv1", "pcm_s24le"),
    "webm-vp8-vorbis": _kind(".webm", "libvpx", "vorbis", options=_REALTIME),
    "webm-vp9-opus": _kind(".webm", "libvpx-vp9", "libopus", options=_REALTIME),
    "webm-av1-opus": _kind(
        ".webm", "libsvtav1", "libopus", width=64, height=64, options={"preset": "11"}
    ),
    "avi-mpeg4-mp3": _kind(".avi", "mpeg4", "libmp3lame", b_frames=2),
    "avi-mjpeg-pcm": _kind(".avi", "mjpeg", "pcm_s16le", pix_fmt="yuvj420p"),
    "avi-msmpeg4-adpcm": _kind(".avi", "msmpeg4", "adpcm_ms"),
    "ps-mpeg1-mp2": _kind(".mpg", "mpeg1video", "mp2"),
    "ps-mpeg2-ac3": _kind(".mpg", "mpeg2video", "ac3", b_frames=2),
    "ts-h264-aac": _kind(".ts", "libx264", "aac", b_frames=2),
    "ts-mpeg2-mp2": _kind(".ts", "mpeg2video", "mp2"),
    "ogg-vp8-opus": _kind(".ogg", "libvpx", "libopus", options=_REALTIME),
    "flv-flv1-mp3": _kind(".flv", "flv1", Track(codec="libmp3lame", rate=44_100)),
    "flv-h264-aac": _kind(".flv", "libx264", "aac"),
    "3gp-h263-amr": _kind(".3gp", "h263", _AMR, width=176, height=144),
    "asf-wmv2-wma": _kind(".asf", "wmv2", "wmav2"),
}
