"""Large, hostile and slow requests to a real server process, in every test run; how late the loop
is, is measured by the drill."""

from pathlib import Path

from tests.clips.fixtures import ClipCache
from tests.drills import limits, many_connections, slow_clients
from tests.drills.raw import exchange, request, status_of
from tests.drills.serving import drill_server
from tests.drills.work import work_site
from tests.handlers.films import encoded_title
from tests.services import Services

IDLE = 3.0
HALF_HEADERS = 20
CONNECTIONS = 300
READERS = 12


async def test_r19_what_clients_send_or_do_not_read_costs_no_memory(
    tmp_path: Path, services: Services, clip_cache: ClipCache
) -> None:
    """R18, R19, R21, D11, D12: one process for all."""
    async with (
        work_site(
            tmp_path, services, server={"write_timeout": 1}, cache=slow_clients.CACHE
        ) as site,
        drill_server(site, idle=IDLE) as (server, client),
    ):
        grown, answers = await limits.half_sent(server)
        assert {status_of(found) for found in answers} == {400}
        assert grown <= limits.MOST_FOR_BODIES
        found = await limits.statuses(server, limits.cookie_of(client))
        assert limits.accepted(found) == []
        held, is_given_up = await limits.unread(site, server)
        assert held <= limits.MOST_FOR_ANSWER
        assert is_given_up
        paths = await slow_clients.paths_of_film(site, encoded_title(clip_cache))
        slow = await slow_clients.attack(
            site, server, client, paths, half_headers=HALF_HEADERS, readers=READERS, seconds=1.0
        )
        assert slow.unread > READERS  # they came again
        assert len(slow.closed) >= HALF_HEADERS
        assert max(slow.closed) <= slow_clients.CLOSED_SECONDS
        assert slow.statuses == {200}
        assert slow.grown <= slow_clients.MOST_GROWN
        many = await many_connections.hold(server, connections=CONNECTIONS, logins=5)
        assert (many.opened, many.again, many.logins) == (CONNECTIONS, CONNECTIONS, 5)
        assert many.descriptors > CONNECTIONS
        last = request("GET", "/api/video/", "Connection: close")
        assert status_of(await exchange(server.url, last)) == 401  # it still answers
