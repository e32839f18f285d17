"""The errors of the media code.

::

    MediaError
    ├── UnusableSource   the upload cannot become a title; its text is for the admin; permanent
    ├── EncodeError      this try failed in a way that another try may not
    ├── NotInChunks      the film must be encoded whole
    └── DamagedTitle     a stored title is not what was verified when it was written
        └── Unmeasured   it is, perhaps; its segments are not measured for this muxer
"""


class MediaError(Exception):
    """Base of the media code's errors."""


class UnusableSource(MediaError):
    """The upload cannot become a title, however often it is tried. Plain words."""


class EncodeError(MediaError):
    """Encoding or its verification failed; another try may succeed."""


class NotInChunks(MediaError):
    """The film cannot be encoded in chunks, which says nothing about encoding it whole."""


class DamagedTitle(MediaError):
    """Bytes on disk differ from what was verified when the title was written."""


class Unmeasured(DamagedTitle):
    """The measures of MPEG-TS segments are missing, or another muxer's."""
