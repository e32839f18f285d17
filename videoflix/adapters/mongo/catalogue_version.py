"""A number that tells whether the catalogue has changed: one small read instead of all of it."""

from contextlib import suppress

from videoflix.adapters.mongo.database import COUNTERS, Database
from videoflix.errors import DatabaseUnavailable

CATALOGUE = "catalogue"


class CatalogueVersion:
    """Every store that changes what ``VideoStore.list_ready`` returns counts here afterwards."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self) -> int:
        async with self._database.operation():
            counter = await self._database.collection(COUNTERS).find_one({"_id": CATALOGUE})
        return 0 if counter is None else int(counter["value"])

    async def changed(self) -> None:
        """Raises nothing where the database has gone away: the change itself is written, and who
        reads the catalogue does not go by this number alone."""
        with suppress(DatabaseUnavailable):
            await self._database.next_id(CATALOGUE)
