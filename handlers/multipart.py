"""Reading ``multipart/form-data`` (RFC 7578) while it arrives, in bounded memory."""

from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from videoflix.errors import FieldErrors

MALFORMED = "The form is not valid."
NOT_TEXT = "Not a valid string."
TWICE = "Only one file may be sent here."

_HEADER_BYTES = 4096
_HEADERS = 8
_PARTS = 32


def malformed() -> FieldErrors:
    return FieldErrors({"non_field_errors": [MALFORMED]})


def boundary_of(content_type: str) -> bytes:
    """The boundary in a content type. Raises FieldErrors without one."""
    media_type, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if media_type != b"multipart/form-data" or not boundary:
        raise malformed()
    return boundary


@dataclass(frozen=True, slots=True)
class FilePiece:
    """Some bytes of the file in the field ``name``."""

    name: str
    data: bytes


@dataclass(slots=True)
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    header_name: bytes = b""
    header_value: bytes = b""
    name: str = ""


class FormReader:
    """Text fields are collected, file fields handed on as pieces, other parts dropped."""

    def __init__(self, boundary: bytes, *, texts: dict[str, int], files: frozenset[str]) -> None:
        """``texts`` maps each text field to its greatest length in bytes.

        Raises FieldErrors for a boundary that cannot be one.
        """
        self.texts: dict[str, bytes] = {}
        self.files: set[str] = set()
        self.is_complete = False
        self._limits = texts
        self._wanted_files = files
        self._parts = 0
        self._part = _Part()
        self._pieces: list[FilePiece] = []
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._part_data,
                    "on_end": self._form_ends,
                },
                max_header_count=_HEADERS,
                max_header_size=_HEADER_BYTES,
            )
        except FormParserError as error:
            raise malformed() from error

    def feed(self, data: bytes) -> list[FilePiece]:
        """Read on; the pieces of files in ``data``. Raises FieldErrors."""
        self._pieces = []
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise malformed() from error
        return self._pieces

    def text(self, name: str) -> str | None:
        """A text field, None when it was not sent. Raises FieldErrors when it is no UTF-8."""
        value = self.texts.get(name)
        if value is None:
            return None
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise FieldErrors({name: [NOT_TEXT]}) from error

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > _PARTS:
            raise malformed()
        self._part = _Part()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]

    def _header_ends(self) -> None:
        part = self._part
        part.headers[part.header_name.lower()] = part.header_value
        part.header_name = part.header_value = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._part.headers.get(b"content-disposition"))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        self._part.name = name
        if name in self._wanted_files:
            if name in self.files:
                raise FieldErrors({name: [TWICE]})
            self.files.add(name)
        elif name in self._limits:
            self.texts[name] = b""

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        name = self._part.name
        if name in self._wanted_files:
            self._pieces.append(FilePiece(name, data[start:end]))
        elif name in self._limits:
            self.texts[name] += data[start:end]
            if len(self.texts[name]) > self._limits[name]:
                raise FieldErrors({name: ["This field is too long."]})

    def _form_ends(self) -> None:
        self.is_complete = True
