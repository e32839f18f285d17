"""The calls about accounts: register, activate, sign in and out, refresh, password reset."""

from handlers.base import BaseHandler
from handlers.cookies import REFRESH_COOKIE, SessionCookies
from handlers.errors import BadRequest
from handlers.schemas import (
    Empty,
    Login,
    PasswordResetConfirmation,
    PasswordResetRequest,
    Registration,
)
from videoflix.errors import InvalidLink
from videoflix.limits import Action

REFRESH_MISSING = "Refresh token missing."
LOGGED_OUT = "Logout successful! All tokens will be deleted. Refresh token is now invalid."


class AccountsHandler(BaseHandler):
    @property
    def session_cookies(self) -> SessionCookies:
        return SessionCookies(self, self.container.settings)

    def refresh_token(self) -> str:
        """The refresh token of the request. Raises BadRequest without one, FieldErrors for a
        body that is no object."""
        self.body_as(Empty)
        token = self.get_cookie(REFRESH_COOKIE)
        if not token:
            raise BadRequest(REFRESH_MISSING)
        return token


class RegisterHandler(AccountsHandler):
    async def post(self) -> None:
        body = self.body_as(Registration)
        await self.container.limits.before(Action.REGISTER, self.visitor.address)
        user, token = await self.container.accounts.register(
            body.email, body.password, body.confirmed_password
        )
        # The token in the answer defeats the proof of address; in production it stays empty.
        shown = token if self.container.settings.reveals_activation_token else ""
        self.answer({"user": {"id": user.id, "email": user.email}, "token": shown}, 201)


class ActivateHandler(AccountsHandler):
    async def get(self, uidb64: str, token: str) -> None:
        await self.container.limits.before(Action.LINK, self.visitor.address)
        try:
            await self.container.accounts.activate(uidb64, token)
        except InvalidLink as error:
            self.answer({"message": str(error)}, 400)
            return
        self.answer({"message": "Account successfully activated."})


class LoginHandler(AccountsHandler):
    async def post(self) -> None:
        body = self.body_as(Login)
        visitor, limits = self.visitor, self.container.limits
        await limits.before_login(body.email, visitor.address)
        signed_in = await self.container.accounts.login(body.email, body.password, visitor)
        await limits.login_succeeded(body.email, visitor.address)
        self.session_cookies.set_access(signed_in.access)
        self.session_cookies.set_refresh(signed_in.refresh)
        self.session_cookies.set_csrf(renew=True)
        user = {"id": signed_in.user.id, "username": signed_in.user.email}
        self.answer({"detail": "Login successful", "user": user})


class LogoutHandler(AccountsHandler):
    async def post(self) -> None:
        await self.container.accounts.logout(self.refresh_token())
        self.session_cookies.delete_all()
        self.answer({"detail": LOGGED_OUT})


class RefreshHandler(AccountsHandler):
    async def post(self) -> None:
        token = self.refresh_token()
        await self.container.limits.before(Action.REFRESH, self.visitor.address)
        access = await self.container.accounts.refresh(token)
        self.session_cookies.set_access(access)
        self.session_cookies.set_csrf(renew=False)
        self.answer({"detail": "Token refreshed", "access": access})


class PasswordResetHandler(AccountsHandler):
    async def post(self) -> None:
        body = self.body_as(PasswordResetRequest)
        await self.container.limits.before_reset(body.email, self.visitor.address)
        await self.container.accounts.request_password_reset(body.email)
        self.answer({"detail": "An email has been sent to reset your password."})


class PasswordConfirmHandler(AccountsHandler):
    async def post(self, uidb64: str, token: str) -> None:
        body = self.body_as(PasswordResetConfirmation)
        await self.container.limits.before(Action.LINK, self.visitor.address)
        await self.container.accounts.confirm_password_reset(
            uidb64, token, body.new_password, body.confirm_password
        )
        self.answer({"detail": "Your Password has been successfully reset."})
