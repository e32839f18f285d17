"""How often something may be tried, counted for all processes together.

Counting never keeps anybody out by itself: while the counters are away, everything is let through,
which is logged once in a while and counted in ``Limits.unchecked``.
"""

import hashlib
import ipaddress
import math
import time
from dataclasses import dataclass
from enum import StrEnum

import structlog

from videoflix.accounts.addresses import parse_address
from videoflix.errors import FieldErrors, QueueUnavailable, TooManyRequests
from videoflix.ports import RateCounters
from videoflix.settings import LimitSettings

HOUR = 3600
# For this long the counters are not asked again after they were away: no request waits for them.
PAUSE_SECONDS = 5.0
_IPV6_NETWORK = 64

_log = structlog.get_logger(__name__)


class Action(StrEnum):
    """What is counted by the address of the client alone."""

    REGISTER = "register"
    PASSWORD_RESET = "password_reset"  # noqa: S105 -- a name
    LINK = "link"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class _Limit:
    name: str
    amount: int
    seconds: int

    def key(self, *parts: str) -> str:
        """Of one length, and without what strangers wrote."""
        digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self.name}:{digest}"


def _network(address: str) -> str:
    """What one client has: its IPv4 address, or its IPv6 network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))


def _account(email: str) -> str:
    """The same for every way to write an address, whether or not it has an account."""
    try:
        return parse_address(email).folded
    except FieldErrors:
        return email.strip().casefold()


class Limits:
    """Every operation raises TooManyRequests, with the pause, for what was tried too often.

    Addresses are those of clients; all clients of one IPv6 network (/64) count as one.
    """

    def __init__(self, settings: LimitSettings, counters: RateCounters) -> None:
        self._is_enabled = settings.enabled
        self._counters = counters
        minutes = int(settings.login_minutes * 60)
        self._failures = _Limit("login-account", settings.login_failures, minutes)
        self._logins = _Limit("login-address", settings.login_tries, minutes)
        self._mails = _Limit("reset-account", settings.reset_mails, HOUR)
        self._actions = {
            Action.REGISTER: _Limit("register", settings.registrations, HOUR),
            Action.PASSWORD_RESET: _Limit("reset-address", settings.password_resets, HOUR),
            Action.LINK: _Limit("link", settings.links, HOUR),
            Action.REFRESH: _Limit("refresh", settings.refreshes, HOUR),
        }
        self._away_until = -math.inf
        self.unchecked = 0

    async def before_login(self, email: str, address: str) -> None:
        """Count a try to prove the password of an account, before it is looked at: tries at the
        same time cannot get past the limit together. It becomes a failure unless
        ``login_succeeded`` follows."""
        await self._hit(self._logins, _network(address))
        await self._hit(self._failures, _account(email), _network(address))

    async def login_succeeded(self, email: str, address: str) -> None:
        """Forget the failures of this account from this address."""
        if not self._is_enabled or self._is_away:
            return
        limit = self._failures
        key = limit.key(_account(email), _network(address))
        try:
            await self._counters.clear(key, limit.amount, limit.seconds)
        except QueueUnavailable as error:
            self._counters_are_away(error)

    async def before_reset(self, email: str, address: str) -> None:
        """Count a password-reset mail: by the client, and by the mailbox that gets it, whoever
        asked; whether there is such an account makes no difference."""
        await self._hit(self._actions[Action.PASSWORD_RESET], _network(address))
        await self._hit(self._mails, _account(email))

    async def before(self, action: Action, address: str) -> None:
        await self._hit(self._actions[action], _network(address))

    @property
    def _is_away(self) -> bool:
        return time.monotonic() < self._away_until

    async def _hit(self, limit: _Limit, *parts: str) -> None:
        if not self._is_enabled:
            return
        if self._is_away:
            self.unchecked += 1
            return
        try:
            pause = await self._counters.hit(limit.key(*parts), limit.amount, limit.seconds)
        except QueueUnavailable as error:
            self.unchecked += 1
            self._counters_are_away(error)
            return
        if pause is not None:
            seconds = min(max(math.ceil(pause), 1), limit.seconds)
            raise TooManyRequests(f"Too many tries. Try again in {seconds} seconds.", seconds)

    def _counters_are_away(self, error: QueueUnavailable) -> None:
        if not self._is_away:
            _log.warning("tries are not counted", reason=str(error), unchecked=self.unchecked)
        self._away_until = time.monotonic() + PAUSE_SECONDS
