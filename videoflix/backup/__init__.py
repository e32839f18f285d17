"""Backups of everything that cannot be made anew, and bringing them back.

::

    <backup>/BACKUP.json              what it is, with a checksum of itself; written last
    <backup>/database/<name>.bson     documents, as ``mongodump`` writes them
    <backup>/media.jsonl              a line for each file of the media: path, size, checksum
    <backup>/media/sources|titles|thumbnails/...   as in the storage root
"""

from videoflix.backup.making import Backups
from videoflix.backup.manifest import BackupManifest, MediaKind
from videoflix.backup.restoring import Restoration

__all__ = ["BackupManifest", "Backups", "MediaKind", "Restoration"]
