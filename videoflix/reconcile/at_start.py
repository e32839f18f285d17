"""A glance at the disk when a server or a worker starts: what does not fit is said in the log."""

from collections import Counter

import structlog

from videoflix.errors import DatabaseUnavailable
from videoflix.offload import Offload
from videoflix.ports import Inventory
from videoflix.reconcile.findings import Finding
from videoflix.reconcile.presence import NOT_THERE, Presence
from videoflix.reconcile.survey import Survey

TURN_SECONDS = 600.0  # servers of many processes start together, and restart
_MOST_FILMS = 5000
_MOST_LINES = 20

_log = structlog.get_logger(__name__)


class StartReport:
    def __init__(
        self, survey: Survey, presence: Presence, disk: Inventory, offload: Offload
    ) -> None:
        self._survey = survey
        self._presence = presence
        self._disk = disk
        self._offload = offload

    async def write(self) -> None:
        """Once for all who start within some minutes; may be cancelled at any time. Raises
        nothing that is the database's or the disk's."""
        try:
            if await self._offload(self._disk.take_turn, TURN_SECONDS):
                await self._write()
        except (DatabaseUnavailable, OSError) as error:
            _log.warning("disk not compared with the records", reason=str(error))

    async def _write(self) -> None:
        counts: Counter[str] = Counter()
        is_lost = False
        async for finding in self._survey.findings(most_films=_MOST_FILMS):
            counts[finding.kind.value] += 1
            is_lost = is_lost or finding.is_loss
            if counts.total() <= _MOST_LINES:
                _say(finding)
        if counts:
            _log.warning(
                "disk and records differ: python -m videoflix reconcile says more", **counts
            )
        if is_lost and not await self._presence.is_there():
            _log.error(NOT_THERE)


def _say(finding: Finding) -> None:
    _log.warning("disk and records differ", kind=finding.kind.value, what=finding.text)
