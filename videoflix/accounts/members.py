"""Existing accounts: what their members change themselves, and what an operator does to them."""

from collections.abc import Sequence

from videoflix.accounts.passwords import PasswordHasher, checked_password
from videoflix.accounts.revocations import Revocations
from videoflix.accounts.tokens import utc_now
from videoflix.errors import FieldErrors, NotFound, Unauthenticated
from videoflix.models import Principal, Session, User
from videoflix.ports import SessionStore, UserStore

WRONG_PASSWORD = "This is not your password."  # noqa: S105 -- a message


class MembersService:
    """Every operation raises DatabaseUnavailable when the database is away."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        *,
        passwords: PasswordHasher,
        revocations: Revocations,
    ) -> None:
        self._users = users
        self._sessions = sessions
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

    async def disable(self, user_id: int) -> None:
        """Refuse sign-ins, end all sessions, void the links in mails."""
        await self._users.set_active(user_id, is_active=False)
        await self._revocations.end_all(user_id)

    async def enable(self, user_id: int) -> None:
        await self._users.set_active(user_id, is_active=True)

    async def delete(self, user_id: int) -> None:
        """The account goes, with its links; what its sessions told of a person goes at once,
        their ids when they would have expired."""
        await self._revocations.end_all(user_id)
        await self._users.delete(user_id)
        await self._revocations.end_all(user_id)

    async def _proved(self, principal: Principal, password: str, field: str) -> User:
        user = await self.own(principal)
        if not await self._passwords.verify(password, user.password_hash):
            raise FieldErrors({field: [WRONG_PASSWORD]})
        return user
