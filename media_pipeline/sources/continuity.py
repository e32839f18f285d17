"""One clock for a whole film, whose own clock may jump.

Recordings of broadcasts are strung together and begin again at any time, counters wrap around. In
the order in which a file holds its packets, decoding times of a stream grow, and no stream is far
ahead of all others; where that is not so, the clock jumped, and the rest is moved to where the
stream had ended. All streams jump by the same time, but not at the same packet: each one takes
the moves that others have made before it makes one of its own.
"""

from fractions import Fraction

import av
from av.container import InputContainer
from av.stream import Stream

_BACK = Fraction(1)  # seconds by which decoding times may be out of order
# Seconds without any packet. Broadcasts pause no longer; other containers keep an index or say
# what they mean, and a picture may be held for as long there.
_AHEAD_BROADCAST = 10
_AHEAD = 600
_BROADCAST = frozenset(("mpeg", "mpegts"))
_MOST_MOVES = 16  # that are remembered: streams follow each other closely


class Continuity:
    """Moves the times of packets; given the same packets it makes the same of them."""

    def __init__(self, container: InputContainer) -> None:
        broadcast = container.format.name in _BROADCAST
        self._ahead = _AHEAD_BROADCAST if broadcast else _AHEAD
        self._moves = [Fraction(0)]
        self._move_of: dict[int, Fraction] = {}
        self._last: dict[int, tuple[Fraction, Fraction]] = {}  # start and end by stream
        self._front: Fraction | None = None

    def mend(self, packet: "av.Packet[Stream]") -> None:
        """The next packet of a stream of pictures or sound."""
        index, base = packet.stream.index, packet.time_base
        if packet.dts is not None:
            start = packet.dts * base
            length = (packet.duration or 0) * base
            move = self._move(index, start)
            self._last[index] = (start + move, start + move + length)
            end = start + move + length
            self._front = end if self._front is None else max(self._front, end)
        self.follow(packet)

    def follow(self, packet: "av.Packet[Stream]") -> None:
        """A packet of any other stream: it goes with the latest move."""
        move = self._move_of.get(packet.stream.index, self._moves[-1])
        if not move:
            return
        ticks = round(move / packet.time_base)
        if packet.dts is not None:
            packet.dts += ticks
        if packet.pts is not None:
            packet.pts += ticks

    def _move(self, index: int, start: Fraction) -> Fraction:
        current = self._move_of.get(index, self._moves[-1])
        for move in (current, *reversed(self._moves)):
            if self._fits(index, start + move):
                break
        else:
            move = self._last[index][1] - start
            self._moves = [*self._moves[-_MOST_MOVES:], move]
        self._move_of[index] = move
        return move

    def _fits(self, index: int, start: Fraction) -> bool:
        last = self._last.get(index)
        if last is None or self._front is None:
            return True
        return last[0] - _BACK <= start <= self._front + self._ahead
