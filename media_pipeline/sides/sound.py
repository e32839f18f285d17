"""Sound tracks: decoded sound to AAC frames, fragmented on the title's GOP grid.

They follow the sound's own time alone, so that they can be encoded apart from the pictures.
"""

import io
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream

from media_pipeline.errors import EncodeError
from media_pipeline.sides.resampler import Resampler, silence
from media_pipeline.timeline import AAC_FRAME, AUDIO_RATE, FrameGrid
from media_pipeline.titles.fragments import Sample, TrackWriter

CODECS = "mp4a.40.2"  # AAC-LC, RFC 6381 §3.3


class SoundTrack:
    """One AAC-LC track: encodes, and writes a fragment for each GOP that the sound is past.

    ``grid`` is that of the pictures, whose number need not be known yet. The last GOP gets what is
    left, so the title must in the end have every GOP whose successor's start the sound has reached
    (``side_tracks.frames_for``).
    """

    def __init__(self, folder: Path, track: str, bitrate: int, grid: FrameGrid) -> None:
        self._folder = folder
        self._name = track
        self._grid = grid
        init = io.BytesIO()
        self._muxer = av.open(init, "w", format="mp4", options={"movflags": "cmaf+empty_moov"})
        stream = self._muxer.add_stream("aac", rate=AUDIO_RATE)
        assert isinstance(stream, AudioStream)  # noqa: S101 - what "aac" makes
        stream.codec_context.layout = "stereo"
        stream.codec_context.format = "fltp"
        stream.codec_context.bit_rate = bitrate
        self._stream = stream
        self._muxer.start_encoding()
        self._writer = TrackWriter(folder, track, init.getvalue(), AAC_FRAME)
        self._waiting: list[Sample] = []
        self._arrived = 0
        self._gop = 0
        self.samples = 0

    def put(self, block: av.AudioFrame) -> None:
        """Encode the next block."""
        self.samples += block.samples
        self._take(self._stream.encode(block))
        # A GOP is written once there is sound for the whole one after it: it is not the last one
        # then, however little the picture falls short of the sound.
        while self._arrived >= self._grid.audio_border(self._gop + 2):
            self._write(self._grid.audio_border(self._gop + 1))

    def finish(self, grid: FrameGrid) -> None:
        """Pad with silence to the picture's end and write the rest; ``grid`` has the frames."""
        missing = -(-grid.frames * AUDIO_RATE // grid.rate) - self.samples
        while missing > 0:
            block = silence(min(AAC_FRAME, int(missing)))
            block.pts = self.samples
            missing -= block.samples
            self.put(block)
        self._take(self._stream.encode(None))
        if self._gop >= grid.gops:
            raise EncodeError(f"{self._name}: the picture ends too long before the sound")
        while self._gop < grid.gops - 1:
            self._write(min(self._arrived, self._grid.audio_border(self._gop + 1)))
        self._write(self._arrived)
        self._writer.finish()
        self._muxer.close()

    def _take(self, packets: "list[av.Packet[AudioStream]]") -> None:
        for packet in packets:
            # The encoder's last packet may carry fewer samples; AAC frames are all alike.
            start = (self._arrived - 1) * AAC_FRAME
            self._waiting.append(Sample(bytes(packet), start, start, is_idr=True))
            self._arrived += 1

    def _write(self, border: int) -> None:
        """Write the next GOP's fragment: all frames before the one with index ``border``."""
        mine = border - (self._arrived - len(self._waiting))
        self._writer.write_fragment(self._waiting[:mine])
        del self._waiting[:mine]
        self._gop += 1

    def discard(self) -> None:
        """Leave no track behind."""
        self.close()
        (self._folder / f"{self._name}.mp4").unlink()

    def close(self) -> None:
        self._writer.close()
        self._muxer.close()


class SoundEncoder:
    """One sound stream of the source, from decoded frames to its track file; used once."""

    def __init__(
        self, folder: Path, track: str, bitrate: int, *, grid: FrameGrid, origin: Fraction
    ) -> None:
        self._resampler = Resampler(origin)
        self._track = SoundTrack(folder, track, bitrate, grid)

    @property
    def samples(self) -> int:
        """Samples so far, at 48 kHz; 0 until something was decoded."""
        return self._track.samples

    def take(self, frame: av.AudioFrame) -> None:
        for block in self._resampler.push(frame):
            self._track.put(block)

    def flush(self) -> None:
        """No more frames come."""
        for block in self._resampler.end():
            self._track.put(block)

    def finish(self, grid: FrameGrid) -> bool:
        """Pad to the picture's end and complete the track; ``grid`` has the pictures.

        False, and no track, when nothing was decoded.
        """
        if not self.samples:
            self._track.discard()
            return False
        self._track.finish(grid)
        return True

    def close(self) -> None:
        self._track.close()
