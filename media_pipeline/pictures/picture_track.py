"""One rendition's video track: x264 with closed GOPs on the title's grid, a fragment each."""

import io
from pathlib import Path

import av
from av.video.frame import PictureType
from av.video.stream import VideoStream

from media_pipeline.errors import EncodeError
from media_pipeline.job import EncodeSettings
from media_pipeline.pictures.ladder import Rung
from media_pipeline.pictures.rate_buffer import BUFFER_SECONDS, RateBuffer
from media_pipeline.timeline import FrameGrid, PictureSpan
from media_pipeline.titles.fragments import Sample, TrackWriter, length_prefixed

# More pictures to refer to than level 4.x has room for at 1920 × 1080 would make it level 5,
# which phones and television sets need not play (ITU-T H.264 table A-1, MaxDpbMbs).
_MANY_REFERENCES = frozenset(("slow", "slower"))
_MOST_REFERENCES = 4


def encoder_options(rung: Rung, gop: int, settings: EncodeSettings) -> dict[str, str]:
    """Options of libx264 for one rung, as libavcodec and the ffmpeg program take them."""
    kbit = rung.max_bitrate // 1000
    # An IDR every ``gop`` pictures and nowhere else: equal times in all renditions.
    params = f"keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:vbv-maxrate={kbit}"
    if settings.preset in _MANY_REFERENCES:
        params += f":ref={_MOST_REFERENCES}"
    return {
        "preset": settings.preset,
        "crf": str(settings.crf),
        "profile": "high",
        "forced-idr": "1",
        "x264-params": f"{params}:vbv-bufsize={BUFFER_SECONDS * kbit}",
    }


class PictureTrack:
    """Encodes the pictures of one rung and writes ``<rung>.mp4`` with its tables."""

    def __init__(
        self,
        folder: Path,
        rung: Rung,
        grid: FrameGrid,
        *,
        settings: EncodeSettings,
        threads: int,
        like: av.VideoFrame,
        span: PictureSpan | None = None,
    ) -> None:
        """``like`` is a scaled picture, whose colours the track is tagged with. With a ``span``
        the files are a part of the track."""
        self.rung = rung
        self._first = span.first if span else 0
        self._end = span.end if span else None
        self._grid = grid
        init = io.BytesIO()
        self._muxer = av.open(
            init,
            "w",
            format="mp4",
            options={
                "movflags": "cmaf+empty_moov",
                "video_track_timescale": str(grid.timescale),
            },
        )
        stream = self._muxer.add_stream(
            "libx264",
            rate=grid.rate,
            options=encoder_options(rung, grid.gop_frames, settings),
        )
        assert isinstance(stream, VideoStream)  # noqa: S101 - what "libx264" makes
        context = stream.codec_context
        context.width, context.height = rung.width, rung.height
        context.pix_fmt = "yuv420p"
        context.time_base = 1 / grid.rate
        context.thread_count = threads
        context.thread_type = "FRAME"  # PyAV's default makes x264 cut every picture in slices
        context.color_range = like.color_range
        context.colorspace = like.colorspace
        context.color_primaries = like.color_primaries
        context.color_trc = like.color_trc
        self._stream = stream
        self._muxer.start_encoding()
        self._writer = TrackWriter(
            folder,
            rung.name,
            init.getvalue(),
            grid.frame_ticks,
            first_gop=self._first // grid.gop_frames,
            start=self._first * grid.frame_ticks,
        )
        self._buffer = RateBuffer(rung.max_bitrate, grid.rate)
        # Of x264's rate buffer where the part begins.
        self.level_at_first = self._buffer.level
        self._gop: list[Sample] = []
        self._coded = 0

    def put(self, picture: av.VideoFrame, index: int) -> None:
        """Encode the picture of grid point ``index``; called for each in turn, from the first
        picture of a GOP on."""
        picture.pts = index
        picture.time_base = 1 / self._grid.rate
        begins_gop = index % self._grid.gop_frames == 0
        picture.pict_type = PictureType.I if begins_gop else PictureType.NONE
        self._take(self._stream.encode(picture))

    def finish(self) -> None:
        self._take(self._stream.encode(None))
        self._write_gop()
        self._writer.finish()
        self._muxer.close()

    def _take(self, packets: "list[av.Packet[VideoStream]]") -> None:
        ticks = self._grid.frame_ticks
        for packet in packets:
            if packet.pts is None or packet.dts is None:
                raise EncodeError("x264 gave a picture without a time")
            begins_gop = self._coded % self._grid.gop_frames == 0
            if packet.is_keyframe != begins_gop:
                raise EncodeError(f"{self.rung.name}: an IDR is not where the grid has one")
            if begins_gop:
                self._write_gop()
            self._gop.append(
                Sample(
                    length_prefixed(bytes(packet)),
                    packet.dts * ticks,
                    packet.pts * ticks,
                    packet.is_keyframe,
                )
            )
            self._coded += 1

    def _write_gop(self) -> None:
        if self._gop:
            index = self._gop[0].pts // self._grid.frame_ticks
            if index < self._first:
                self._buffer.take(len(sample.data) for sample in self._gop)
                self.level_at_first = self._buffer.level
            elif self._end is None or index < self._end:
                self._writer.write_fragment(self._gop)
        self._gop = []

    def close(self) -> None:
        self._writer.close()
        self._muxer.close()
