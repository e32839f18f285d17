"""The errors of the domain.

Codes are stable: clients, logs and tests may rely on them. The domain never knows HTTP;
``handlers.errors`` maps each class to a status in one table.

::

    VideoflixError
    ├── ConfigurationError        the settings cannot be used; stops the start
    ├── FieldErrors               a request's fields are wrong; carries messages per field
    ├── InvalidLink               a one-time link that is unknown, used, expired or void
    ├── Unauthenticated           no valid session
    ├── Forbidden                 a session without the right
    ├── NotFound                  no such thing, or none that the caller may see
    ├── Conflict                  the thing is in a state that does not allow this
    │   └── Busy                  somebody else is at it
    ├── ChecksumMismatch          bytes are not those whose checksum was sent
    ├── TooManyRequests           carries the pause in seconds
    ├── NotAVideo                 what was uploaded can never become a title
    ├── PayloadTooLarge           an upload above its limit
    ├── InsufficientStorage       the disk is too full to accept this
    ├── ServiceUnavailable
    │   ├── DatabaseUnavailable
    │   ├── QueueUnavailable      no ring, revocation or counter could be sent; never fatal
    │   └── MailUnavailable
    ├── LeaseLost                 a worker no longer holds its job
    ├── UnusableBackup            not a whole backup, or one of another version
    └── MediaDamaged              a stored file is not what was verified when it was published
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class VideoflixError(Exception):
    """Base of every error the domain raises; ``str(error)`` is safe to show to its user."""

    code: ClassVar[str] = "error"


class ConfigurationError(VideoflixError):
    """The settings cannot be used. The message is one clear line."""

    code = "configuration"


class FieldErrors(VideoflixError):
    """Some fields of a request are wrong.

    ``fields`` maps a field's name to its messages; ``non_field_errors`` is the name for
    messages about the whole request.
    """

    code = "invalid"

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(message for found in fields.values() for message in found))
        self.fields = {name: list(messages) for name, messages in fields.items()}


class InvalidLink(VideoflixError):
    code = "invalid_link"


class Unauthenticated(VideoflixError):
    code = "unauthenticated"


class Forbidden(VideoflixError):
    code = "forbidden"


class NotFound(VideoflixError):
    code = "not_found"


class Conflict(VideoflixError):
    code = "conflict"


class Busy(Conflict):
    code = "busy"


class ChecksumMismatch(VideoflixError):
    code = "checksum_mismatch"


class TooManyRequests(VideoflixError):
    """Try again after ``retry_after`` whole seconds."""

    code = "too_many_requests"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotAVideo(VideoflixError):
    code = "not_a_video"


class PayloadTooLarge(VideoflixError):
    code = "too_large"


class InsufficientStorage(VideoflixError):
    code = "insufficient_storage"


class ServiceUnavailable(VideoflixError):
    code = "unavailable"


class DatabaseUnavailable(ServiceUnavailable):
    code = "database_unavailable"


class QueueUnavailable(ServiceUnavailable):
    code = "queue_unavailable"


class MailUnavailable(ServiceUnavailable):
    code = "mail_unavailable"


class LeaseLost(VideoflixError):
    code = "lease_lost"


class MediaDamaged(VideoflixError):
    code = "media_damaged"


class UnusableBackup(VideoflixError):
    code = "unusable_backup"
