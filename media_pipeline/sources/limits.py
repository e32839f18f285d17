"""What is accepted of a stranger's file: listed codecs, and bounds on what is promised and found.

Every refusal is an ``UnusableSource`` in plain words: no other try would change it. What no rule
here foresees is bounded from outside (``videoflix.media_child``): processor time, memory, the
size of files.
"""

from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.codec.codec import UnknownCodecError
from av.container import InputContainer
from av.video.stream import VideoStream

from media_pipeline.errors import UnusableSource
from media_pipeline.job import EncodeSettings

# Demuxers that hold their media in one file. Playlists (hls, concat, dash, sdp) are not among
# them: they make libavformat open what they name.
FORMATS = ("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "mpeg", "mpegts",
           "ogg", "flv", "asf")  # fmt: skip

# By the codec's own name, whichever decoder libavcodec takes for it.
VIDEO_CODECS = frozenset({
    "h264", "hevc", "vp8", "vp9", "av1", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v1",
    "msmpeg4v2", "msmpeg4v3", "theora", "mjpeg", "prores", "h263", "h263p", "flv1", "vp6",
    "vp6f", "wmv1", "wmv2", "wmv3", "vc1", "dvvideo", "dnxhd", "ffv1", "rawvideo",
})  # fmt: skip
AUDIO_CODECS = frozenset({
    "aac", "aac_latm", "mp1", "mp2", "mp3", "ac3", "eac3", "dts", "truehd", "mlp", "opus",
    "vorbis", "flac", "alac", "amr_nb", "amr_wb", "wmav1", "wmav2", "wmapro", "adpcm_ms",
    "adpcm_ima_wav", "adpcm_ima_qt", "adpcm_swf", "speex", "nellymoser", "pcm_u8", "pcm_s8",
    "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le",
    "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw", "pcm_bluray", "pcm_dvd",
})  # fmt: skip
TEXT_CODECS = frozenset({"subrip", "ass", "mov_text", "webvtt", "text"})

# Of the bytes that an encode's peak bit rate gives, how many times as many a file may have, and how
# many more: peaks are kept over two seconds, and boxes and tables come on top.
_FILE_MARGIN = 2
_FILE_LEAST = 64 * 1024**2

MAX_SIDES = 16  # the longer side over the shorter one, as shown
_SLACK = 1  # seconds' worth of pictures that may lie closer together than the greatest rate


def _decoders() -> str:
    """Names of all decoders of the listed codecs, as libavformat's ``codec_whitelist``."""
    listed = VIDEO_CODECS | AUDIO_CODECS | TEXT_CODECS
    found = []
    for name in sorted(av.codecs_available):
        try:
            codec = av.Codec(name, "r")
        except UnknownCodecError:  # an encoder alone
            continue
        if codec.canonical_name in listed:
            found.append(name)
    return ",".join(found)


def open_options(settings: EncodeSettings) -> dict[str, str]:
    """Options of ``av.open`` for a source.

    The decoders and pixels are those that libavformat may use to find out what the streams are;
    decoding proper is bounded by ``check_video``, ``usable_sounds`` and ``decoder_options``.
    """
    return {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(FORMATS),
        "codec_whitelist": _decoders(),
        **decoder_options(settings),
    }


def check_streams(container: InputContainer, settings: EncodeSettings) -> None:
    """libavformat's own limit leaves streams out, or takes the file for something else; its
    default, a thousand, bounds what a header may ask for."""
    if len(container.streams) > settings.max_streams:
        raise UnusableSource(
            f"This file has too many streams: {len(container.streams)}, "
            f"at most {settings.max_streams} are accepted."
        )


def decoder_options(settings: EncodeSettings) -> dict[str, str]:
    """Options of a picture decoder: the size may change in the middle of a stream."""
    return {"max_pixels": str(settings.max_pixels)}


def check_video(stream: VideoStream, settings: EncodeSettings) -> None:
    """Raises UnusableSource for a codec that is not listed and a picture that is too large."""
    context = stream.codec_context
    if context is None:
        raise UnusableSource("The video in this file is of a kind that cannot be decoded.")
    name = context.codec.canonical_name
    if name not in VIDEO_CODECS:
        raise UnusableSource(f"The video in this file is of a kind that is not accepted: {name}.")
    if context.width * context.height > settings.max_pixels:
        raise UnusableSource(f"The picture is too large: {context.width}×{context.height} pixels.")


def usable_sounds(container: InputContainer) -> list[AudioStream]:
    """Sound streams of listed codecs, in their order.

    Raises UnusableSource where there is sound but none of it is: a film without its sound is not
    what was uploaded.
    """
    known = [stream for stream in container.streams.audio if stream.codec_context is not None]
    listed = [s for s in known if s.codec_context.codec.canonical_name in AUDIO_CODECS]
    if known and not listed:
        name = known[0].codec_context.codec.canonical_name
        raise UnusableSource(f"The sound in this file is of a kind that is not accepted: {name}.")
    return listed


def check_duration(seconds: Fraction, settings: EncodeSettings) -> None:
    if seconds > settings.max_duration:
        raise UnusableSource(
            f"The film is too long: {round(float(seconds))} seconds, "
            f"at most {settings.max_duration} are accepted."
        )


def most_pictures(settings: EncodeSettings) -> int:
    """No film has more: reading its packets may stop there (``too_many_pictures``)."""
    return (settings.max_duration + _SLACK) * settings.max_rate


def too_many_pictures(settings: EncodeSettings) -> UnusableSource:
    return UnusableSource(
        "The film has too many pictures: "
        f"more than {settings.max_rate} a second, or for longer than any film may be."
    )


def check_rate(pictures: int, seconds: Fraction, settings: EncodeSettings) -> None:
    """``pictures`` shown within ``seconds``."""
    if pictures > (seconds + _SLACK) * settings.max_rate:
        raise too_many_pictures(settings)


def check_sides(width: Fraction, height: Fraction) -> None:
    """``width`` × ``height`` in square pixels, as shown: scaled to a rung's width, a line of
    pixels would need a picture of any height."""
    if max(width, height) > MAX_SIDES * min(width, height):
        raise UnusableSource(
            f"The picture is more than {MAX_SIDES} times as long as it is wide: "
            f"{round(float(width))}×{round(float(height))}."
        )


def largest_file(seconds: Fraction, bitrate: int) -> int:
    """Bytes that no file of a title exceeds, at ``bitrate`` bits a second at most."""
    return _FILE_LEAST + _FILE_MARGIN * bitrate * int(seconds + 1) // 8
