"""Changes of the database from one version of it to the next, numbered from 1.

A change that was released is never edited: what it got wrong, a later one mends. Each may run any
number of times, also on data that it has half changed already, and beside servers of the version
before, which know nothing of it. Names of fields and lives of records are written out here: a
change does what it did when it was written, whatever becomes of the stores.
"""

from videoflix.adapters.mongo.migrations.m0001_indexes import create_indexes
from videoflix.adapters.mongo.migrations.m0002_video_fields import fill_video_fields
from videoflix.adapters.mongo.migrations.runner import (
    Migration,
    applied_version,
    migrate,
    rewind,
)

MIGRATIONS = (
    Migration("indexes of all collections", create_indexes),
    Migration("fields of videos that came later", fill_video_fields),
)

__all__ = ["MIGRATIONS", "Migration", "applied_version", "migrate", "rewind"]
