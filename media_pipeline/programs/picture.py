"""Make a title's picture out of an uploaded one:
``python -m media_pipeline.programs.picture IN OUT``.

Reads one JPEG, PNG or WebP picture from a stranger, in a process of its own with limits, and
writes a new JPEG of 640 pixels' width with nothing of the original but its pixels. Exit status 0
is success; 1 comes with one JSON line ``{"event": "failed", "reason": "plain words"}``.
"""

import sys

from media_pipeline import sandbox

# Before PyAV is imported: it starts threads, and a process with threads cannot give up its network.
REFUSED = sandbox.enter() if __name__ == "__main__" else []

import contextlib  # noqa: E402 - see above
import io  # noqa: E402 - see above
import os  # noqa: E402 - see above
import resource  # noqa: E402 - see above
from collections.abc import Iterator  # noqa: E402 - see above
from pathlib import Path  # noqa: E402 - see above

import av  # noqa: E402 - see above
from av.container import InputContainer  # noqa: E402 - see above
from av.filter import Graph  # noqa: E402 - see above

from media_pipeline.errors import UnusableSource  # noqa: E402 - see above
from media_pipeline.job import Reporter  # noqa: E402 - see above
from media_pipeline.landlock import confine  # noqa: E402 - see above

WIDTH = 640
MAX_PIXELS = 50_000_000
MAX_SIDES = 4  # the longer side over the shorter one
_FORMATS = "jpeg_pipe,png_pipe,webp_pipe"
_CODECS = frozenset({"mjpeg", "png", "webp"})
_CPU_SECONDS = 20
_MEMORY_BYTES = 4 * 1024**3
_QUALITY = "3"  # of 2 (best) to 31
_UNREADABLE = "This is not a picture that can be read (JPEG, PNG or WebP)."
_TURNS = {90: ("cclock",), 180: ("cclock", "cclock"), 270: ("clock",)}


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


@contextlib.contextmanager
def _open(path: Path) -> Iterator[InputContainer]:
    options = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
    with av.open(str(path), options=options) as container:
        yield container


def _decode(path: Path) -> av.VideoFrame:
    """The first picture in the file. Raises UnusableSource."""
    try:
        with _open(path) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            if context is None or context.name not in _CODECS:
                raise UnusableSource(_UNREADABLE)
            if context.width * context.height > MAX_PIXELS:
                raise UnusableSource(f"The picture is larger than {MAX_PIXELS:,} pixels.")
            # Opening does not limit decoding: a small file may unpack to gigabytes.
            context.options = {"max_pixels": str(MAX_PIXELS), "err_detect": "explode"}
            context.thread_count = 1
            return next(container.decode(stream))
    except (av.FFmpegError, StopIteration, IndexError, ValueError, MemoryError) as error:
        raise UnusableSource(_UNREADABLE) from error


def _upright(frame: av.VideoFrame) -> av.VideoFrame:
    """The picture turned as its file says, 640 wide, full-range YUV for JPEG."""
    shorter, longer = sorted((frame.width, frame.height))
    if longer > MAX_SIDES * shorter:
        raise UnusableSource(f"The picture is more than {MAX_SIDES} times as long as it is wide.")
    graph = Graph()
    graph.threads = 1
    last = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=frame.time_base,
    )
    steps = [("transpose", turn) for turn in _TURNS.get(round(frame.rotation) % 360, ())]
    steps += [
        ("scale", f"{WIDTH}:-2:flags=lanczos:out_range=pc:out_color_matrix=bt601"),
        ("format", "yuvj420p"),
        ("setsar", "1"),
        ("buffersink", ""),
    ]
    source = last
    for name, argument in steps:
        step = graph.add(name, argument)
        last.link_to(step)
        last = step
    graph.configure()
    source.push(frame)
    source.push(None)
    picture = last.pull()
    if not isinstance(picture, av.VideoFrame):
        raise UnusableSource(_UNREADABLE)
    return picture


def _jpeg(picture: av.VideoFrame) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="image2pipe") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, "yuvj420p"
        stream.options = {"qmin": _QUALITY, "qmax": _QUALITY}
        picture.pts = 0
        for packet in (*stream.encode(picture), *stream.encode(None)):
            container.mux(packet)
    return buffer.getvalue()


def make_picture(source: Path, target: Path) -> None:
    """Write the new file ``target`` and have it on the disk. Raises UnusableSource, OSError."""
    data = _jpeg(_upright(_decode(source)))
    with target.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    source, target = map(Path, arguments)
    for refusal in (*REFUSED, *confine([source], [target.parent])):
        sys.stderr.write(f"sandbox: {refusal}\n")
    _limit()
    try:
        make_picture(source, target)
    except UnusableSource as error:
        Reporter(sys.stdout).failed(str(error), permanent=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
