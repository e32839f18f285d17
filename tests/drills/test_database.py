"""The drill of the database in small, with real processes, in every test run."""

from pathlib import Path

from tests.drills.lost_database import misses, own_database, write
from tests.drills.serving import drill_server
from tests.drills.work import work_site
from tests.services import Services

WRITES = 24


async def test_d4_no_acknowledged_write_is_lost_with_the_database(
    tmp_path: Path, services: Services
) -> None:
    """How fast a 503 comes, is measured by the drill."""
    async with (
        own_database(tmp_path / "own", services) as (own, database),
        work_site(tmp_path, own) as site,
        drill_server(site) as (_, client),
    ):
        found = await write(site, client, database, writes=WRITES, kills=1)
    assert misses(found, WRITES, 1, longest=60.0) == []
