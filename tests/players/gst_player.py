"""GStreamer's playbin3, run by the system's Python, whose ``gi`` PyPI does not have ready-made.

``gst_player.py URI COOKIE [SECONDS ...]`` plays a film to its end, as fast as it decodes, while
the demuxer is told of more bandwidth, then stands still at each of the seconds. It writes to
standard output a line of JSON for each picture, followed by its luma: ``kind`` ("played" or
"sought"), ``time`` in nanoseconds of the film, ``width``, ``height``, ``size`` in bytes; at last
``kind`` "end" and its ``version``. What it complains of goes to standard error.
"""

import json
import sys
from typing import Any

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402 -- its version must be chosen before

PATIENCE = 30 * Gst.SECOND
GREY = "videoconvert ! video/x-raw,format=GRAY8 ! appsink name=pictures sync=false max-buffers=2"
DEMUXERS = ("hlsdemux2", "dashdemux2")
LITTLE, MUCH = 100_000, 100_000_000  # bits per second
PICTURES, SOUND, VOLUME = 0x1, 0x2, 0x10  # GstPlayFlags
BAD = Gst.MessageType.ERROR | Gst.MessageType.WARNING


def put(head: dict[str, Any], body: bytes = b"") -> None:
    sys.stdout.buffer.write(json.dumps(head | {"size": len(body)}).encode() + b"\n" + body)


class Player:
    def __init__(self, uri: str, cookie: str) -> None:
        self.cookie = cookie
        self.demuxer: Any = None
        pictures = Gst.parse_bin_from_description(GREY, True)
        self.pictures = pictures.get_by_name("pictures")
        sounds = Gst.ElementFactory.make("fakesink")
        sounds.set_property("sync", False)
        self.play = Gst.ElementFactory.make("playbin3")
        for name, value in {
            "uri": uri,
            "video-sink": pictures,
            "audio-sink": sounds,
            "flags": PICTURES | SOUND | VOLUME,
        }.items():
            self.play.set_property(name, value)
        self.play.connect("source-setup", self._source)
        self.play.connect("deep-element-added", self._added)

    def _source(self, _play: Any, source: Any) -> None:
        source.set_property("cookies", [self.cookie])

    def _added(self, _play: Any, _bin: Any, element: Any) -> None:
        factory = element.get_factory()
        if factory is not None and factory.get_name() in DEMUXERS:
            self.demuxer = element
            element.set_property("connection-bitrate", LITTLE)
            element.set_property("max-buffering-time", Gst.SECOND)

    def complain(self) -> None:
        bus = self.play.get_bus()
        while message := bus.pop_filtered(BAD):
            is_error = message.type == Gst.MessageType.ERROR
            text = message.parse_error() if is_error else message.parse_warning()
            sys.stderr.write(f"{message.src.name}: {text.gerror.message} {text.debug}\n")

    def reach(self, state: Any) -> None:
        self.play.set_state(state)
        self.play.get_state(PATIENCE)
        self.complain()

    def tell(self, kind: str, sample: Any) -> None:
        buffer = sample.get_buffer()
        time = sample.get_segment().to_stream_time(Gst.Format.TIME, buffer.pts)
        caps = sample.get_caps().get_structure(0)
        size = {name: caps.get_value(name) for name in ("width", "height")}
        put({"kind": kind, "time": time, **size}, buffer.extract_dup(0, buffer.get_size()))


def main(uri: str, cookie: str, seeks: list[float]) -> None:
    Gst.init(None)
    player = Player(uri, cookie)
    player.reach(Gst.State.PAUSED)
    player.reach(Gst.State.PLAYING)
    while sample := player.pictures.emit("try-pull-sample", PATIENCE):
        player.tell("played", sample)
        player.demuxer.set_property("connection-bitrate", MUCH)
    player.reach(Gst.State.PAUSED)
    for seconds in seeks:
        flags = Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE
        player.play.seek_simple(Gst.Format.TIME, flags, round(seconds * Gst.SECOND))
        player.reach(Gst.State.PAUSED)
        player.tell("sought", player.pictures.emit("try-pull-preroll", PATIENCE))
    put({"kind": "end", "version": Gst.version_string()})
    player.reach(Gst.State.NULL)


main(sys.argv[1], sys.argv[2], [float(text) for text in sys.argv[3:]])
