"""Existing accounts: what their members change themselves, and what an operator does to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from videoflix.accounts.passwords import PasswordHasher, checked_password
from videoflix.accounts.revocations import Revocations
from videoflix.accounts.tokens import utc_now
from videoflix.errors import Conflict, FieldErrors, NotFound, Unauthenticated
from videoflix.models import Principal, Session, User
from videoflix.ports import PositionStore, SessionStore, UserStore

WRONG_PASSWORD = "This is not your password."  # noqa: S105 -- a message


@dataclass(frozen=True, slots=True)
class MemberPage:
    """Some accounts, each with its last sign-in where that is known, and how many in all."""

    count: int
    members: tuple[tuple[User, datetime | None], ...]


class MembersService:
    """Every operation raises DatabaseUnavailable when the database is away."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        *,
        positions: PositionStore,
        passwords: PasswordHasher,
        revocations: Revocations,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._positions = positions
        self._passwords = passwords
        self._revocations = revocations

    async def own(self, principal: Principal) -> User:
        """The account of whoever makes a request. Raises Unauthenticated when it is gone or
        disabled and its access token has not heard of it."""
        user = await self._users.find(principal.user_id)
        if user is None or not user.is_active:
            raise Unauthenticated("This session has ended.")
        return user

    async def change_password(
        self, principal: Principal, current: str, new: str, again: str
    ) -> None:
        """Change the password, end all other sessions, and void the links in mails. Raises
        FieldErrors and Unauthenticated."""
        user = await self._proved(principal, current, "current_password")
        if fields := checked_password(user.email, "new_password", new, "confirm_password", again):
            raise FieldErrors(fields)
        password_hash = await self._passwords.hash(new)
        # Before, so that a crash between the two leaves no old session; after, for those that
        # began in between.
        await self._revocations.end_all(user.id, keep=principal.session_id)
        if not await self._users.change_password(user.id, user.password_hash, password_hash):
            raise FieldErrors({"current_password": [WRONG_PASSWORD]})
        await self._revocations.end_all(user.id, keep=principal.session_id)

    async def delete_own(self, principal: Principal, password: str) -> None:
        """Delete the account of whoever makes the request. Raises FieldErrors and
        Unauthenticated."""
        user = await self._proved(principal, password, "password")
        await self.delete(user.id)

    async def open_sessions(self, principal: Principal) -> Sequence[Session]:
        """One's own, newest first."""
        return await self._sessions.list_open(principal.user_id, utc_now())

    async def end_session(self, principal: Principal, session_id: str) -> None:
        """End one of one's own. Raises NotFound for any other."""
        if not await self._revocations.end(session_id, principal.user_id):
            raise NotFound("There is no such session.")

    async def list_all(self) -> Sequence[User]:
        """Every account, by id."""
        return await self._users.list_all()

    async def page(self, search: str, *, skip: int, limit: int) -> MemberPage:
        """Accounts whose address holds every word of ``search``, by id."""
        found = await self._users.page(search, skip=skip, limit=limit)
        last = await self._sessions.last_sign_ins([user.id for user in found.users])
        return MemberPage(found.count, tuple((user, last.get(user.id)) for user in found.users))

    async def disable_other(self, principal: Principal, user_id: int) -> User:
        """Disable an account on behalf of an admin. Raises NotFound, and Conflict for his own and
        where no admin would remain."""
        if user_id == principal.user_id:
            raise Conflict("Nobody can disable the own account.")
        await self._known(user_id)
        await self.disable(user_id)
        if not await self._users.has_admin():
            # Two disabled each other at the same moment.
            await self.enable(user_id)
            raise Conflict("This is the last admin.")
        return await self._known(user_id)

    async def enable_other(self, user_id: int) -> User:
        """Raises NotFound."""
        await self._known(user_id)
        await self.enable(user_id)
        return await self._known(user_id)

    async def _known(self, user_id: int) -> User:
        user = await self._users.find(user_id)
        if user is None:
            raise NotFound("There is no such account.")
        return user

    async def disable(self, user_id: int) -> None:
        """Refuse sign-ins, end all sessions, void the links in mails."""
        await self._users.set_active(user_id, is_active=False)
        await self._revocations.end_all(user_id)

    async def enable(self, user_id: int) -> None:
        await self._users.set_active(user_id, is_active=True)

    async def delete(self, user_id: int) -> None:
        """The account goes, with its links and where it stopped watching; what its sessions told
        of a person goes at once, their ids when they would have expired."""
        await self._revocations.end_all(user_id)
        await self._users.delete(user_id)
        await self._revocations.end_all(user_id)
        await self._positions.drop_user(user_id)

    async def _proved(self, principal: Principal, password: str, field: str) -> User:
        user = await self.own(principal)
        if not await self._passwords.verify(password, user.password_hash):
            raise FieldErrors({field: [WRONG_PASSWORD]})
        return user
