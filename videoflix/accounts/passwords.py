"""Passwords: which are accepted, and how they are kept.

Kept as bcrypt over the base64 of a SHA-256: bcrypt alone takes no more than 72 bytes. Hashing
takes a quarter of a second at the default cost, so it runs in two threads of its own.
"""

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

import bcrypt
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from videoflix.errors import ServiceUnavailable
from videoflix.offload import Offload

LENGTH_MIN = 8
LENGTH_MAX = 128
THREADS = 2
RUNNING_MAX = 64  # passwords at work or waiting: eight seconds of work at the default cost
_ALIKE_MIN = 4
DIFFERENT = "The passwords do not match."

P = ParamSpec("P")
T = TypeVar("T")

_COMMON = frozenset(FREQUENCY_LISTS["passwords"])


def _is_like(password: str, address: str) -> bool:
    """Whether the password is hardly more than the address or a part of it."""
    password, address = password.casefold(), address.casefold()
    local, _, domain = address.partition("@")
    parts = [address, local, domain, domain.partition(".")[0]]
    return any(
        len(part) >= _ALIKE_MIN
        and (password in part or (part in password and len(password) - len(part) < LENGTH_MIN))
        for part in parts
    )


def password_problems(password: str, address: str) -> list[str]:
    """Why the password is refused for the account of ``address``; empty when it is accepted."""
    problems = []
    if len(password) < LENGTH_MIN:
        problems.append(f"Use at least {LENGTH_MIN} characters.")
    if len(password) > LENGTH_MAX:
        return [f"Use at most {LENGTH_MAX} characters."]
    if password.isdigit():
        problems.append("A password must not consist of digits only.")
    if password.casefold() in _COMMON:
        problems.append("This password is too common.")
    if _is_like(password, address):
        problems.append("This password is too similar to the email address.")
    return problems


def checked_password(
    address: str, field: str, password: str, again_field: str, again: str
) -> dict[str, list[str]]:
    """The messages for both entries of a new password, by field; empty when it is accepted."""
    fields: dict[str, list[str]] = {}
    if problems := password_problems(password, address):
        fields[field] = problems
    if password != again:
        fields[again_field] = [DIFFERENT]
    return fields


def _prepared(password: str) -> bytes:
    digest = hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest()
    return base64.b64encode(digest)


class PasswordHasher:
    """Hashes and verifies at the given bcrypt cost, off the event loop."""

    def __init__(self, cost: int, executor: ThreadPoolExecutor) -> None:
        self._cost = cost
        self._offload = Offload(executor)
        self._running = 0
        # Of the right form and cost, and the hash of nothing anyone knows.
        self._dummy = f"$2b${cost:02d}$" + "." * 53

    async def hash(self, password: str) -> str:
        """Raises ServiceUnavailable when too many others wait already; ``verify`` too."""
        return await self._run(self._hash, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the hashed one. Without a hash the answer is False, after the
        same work: time does not tell whether an account exists."""
        matches = await self._run(self._verify, password, password_hash or self._dummy)
        return matches and password_hash is not None

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        # Without a bound, a flood of logins would make everybody wait for minutes.
        if self._running >= RUNNING_MAX:
            raise ServiceUnavailable("Too many sign-ins at the moment. Please try again.")
        self._running += 1
        try:
            return await self._offload(work, *args, **kwargs)
        finally:
            self._running -= 1

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made at another cost than the configured one."""
        return not password_hash.startswith(f"$2b${self._cost:02d}$")

    def _hash(self, password: str) -> str:
        return bcrypt.hashpw(_prepared(password), bcrypt.gensalt(self._cost)).decode("ascii")

    @staticmethod
    def _verify(password: str, password_hash: str) -> bool:
        return bcrypt.checkpw(_prepared(password), password_hash.encode("ascii"))


@asynccontextmanager
async def open_hasher(cost: int) -> AsyncIterator[PasswordHasher]:
    """A hasher with its threads, which end with the block."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="password") as executor:
        yield PasswordHasher(cost, executor)
