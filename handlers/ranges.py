"""Byte ranges of requests (RFC 9110 §14)."""

import re
from typing import NamedTuple

from videoflix.errors import VideoflixError

_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


class Span(NamedTuple):
    """Bytes ``first`` to before ``end``."""

    first: int
    end: int


class RangeNotSatisfiable(VideoflixError):
    """The range begins behind the last of ``size`` bytes."""

    code = "range_not_satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__("There are no bytes in this range.")
        self.size = size


def asked_span(header: str | None, size: int) -> Span | None:
    """What a Range header asks of ``size`` bytes; None for all of them.

    A header that is not understood is as good as none (§14.2), and so are several ranges: a
    server may answer with the whole. Raises RangeNotSatisfiable.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:  # the last bytes (§14.1.2)
        if int(last) == 0 or size == 0:
            raise RangeNotSatisfiable(size)
        return Span(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None  # malformed, so it is to be ignored
    if int(first) >= size:
        raise RangeNotSatisfiable(size)
    return Span(int(first), min(size, int(last) + 1) if last else size)
