"""When decoded pictures are shown: by presentation times or, where there are none, by order."""

import heapq

import av
from av.stream import Stream


class PresentationOrder:
    """Pictures carry their own times."""

    def note(self, packet: "av.Packet[Stream]") -> None:
        """A packet is about to be decoded."""

    def forget(self, packet: "av.Packet[Stream]") -> None:
        """The packet could not be decoded."""

    def next(self, pts: int | None) -> int | None:
        """The time, in ticks of its stream, of the next picture that the decoder gave."""
        return pts


class DecodingOrder(PresentationOrder):
    """Pictures, in the order in which the decoder gives them, have the packets' decoding times."""

    def __init__(self, stream_index: int) -> None:
        self._stream_index = stream_index
        self._waiting: list[int] = []

    def note(self, packet: "av.Packet[Stream]") -> None:
        if packet.stream_index == self._stream_index and packet.dts is not None and packet.size:
            heapq.heappush(self._waiting, packet.dts)

    def forget(self, packet: "av.Packet[Stream]") -> None:
        if packet.stream_index == self._stream_index and packet.dts in self._waiting:
            self._waiting.remove(packet.dts)
            heapq.heapify(self._waiting)

    def next(self, pts: int | None) -> int | None:  # noqa: ARG002 - a guess, or none at all
        return heapq.heappop(self._waiting) if self._waiting else None
