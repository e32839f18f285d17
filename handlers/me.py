"""The calls about one's own account: what it is, its password, where it is signed in, its end."""

import re
from typing import Any

from handlers.accounts import AccountsHandler
from handlers.base import ReadingHandler
from handlers.schemas import AccountDeletion, Empty, PasswordChange
from handlers.shapes import timestamp
from videoflix.errors import FieldErrors, NotFound
from videoflix.models import Principal, Session, User

_SESSION_ID = re.compile(r"[0-9a-f]{32}")


def _open_session(session: Session, principal: Principal) -> dict[str, Any]:
    return {
        "id": session.id,
        "created_at": timestamp(session.created_at),
        "used_at": timestamp(session.used_at),
        "expires_at": timestamp(session.expires_at),
        "is_current": session.id == principal.session_id,
        "address": session.visitor.address,
        "user_agent": session.visitor.user_agent,
    }


class OwnHandler(AccountsHandler):
    async def proving(self) -> User:
        """The account, before its password is looked at: guesses count like those at a login.
        Raises Unauthenticated and TooManyRequests."""
        user = await self.container.members.own(self.principal)
        await self.container.limits.before_login(user.email, self.visitor.address)
        return user

    async def proved(self, user: User) -> None:
        await self.container.limits.login_succeeded(user.email, self.visitor.address)


class OwnAccountHandler(OwnHandler, ReadingHandler):
    async def get(self) -> None:
        user = await self.container.members.own(self.principal)
        self.answer({"id": user.id, "email": user.email, "is_staff": user.is_staff})

    async def delete(self) -> None:
        body = self.body_as(AccountDeletion)
        user = await self.proving()
        await self.container.members.delete_own(self.principal, body.password)
        await self.proved(user)
        self.session_cookies.delete_all()
        self.answer({"detail": "Your account has been deleted."})


class OwnPasswordHandler(OwnHandler):
    async def post(self) -> None:
        body = self.body_as(PasswordChange)
        user = await self.proving()
        try:
            await self.container.members.change_password(
                self.principal, body.current_password, body.new_password, body.confirm_password
            )
        except FieldErrors as error:
            # A new password that is refused is no guess of the current one.
            if "current_password" not in error.fields:
                await self.proved(user)
            raise
        await self.proved(user)
        self.answer({"detail": "Your password has been changed."})


class OwnSessionsHandler(OwnHandler, ReadingHandler):
    async def get(self) -> None:
        found = await self.container.members.open_sessions(self.principal)
        self.answer([_open_session(session, self.principal) for session in found])


class OwnSessionHandler(OwnHandler):
    async def delete(self, session_id: str) -> None:
        self.body_as(Empty)
        if not _SESSION_ID.fullmatch(session_id):
            raise NotFound("There is no such session.")
        await self.container.members.end_session(self.principal, session_id)
        if session_id == self.principal.session_id:
            self.session_cookies.delete_all()
        self.answer({"detail": "The session has ended."})
