"""Accounts: registration, activation, sessions, password reset."""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from videoflix.accounts.addresses import Address, parse_address
from videoflix.accounts.links import (
    activation_url,
    hash_token,
    new_token,
    parse_link,
)
from videoflix.accounts.mails import MailTemplates
from videoflix.accounts.passwords import PasswordHasher, checked_password
from videoflix.accounts.reset_mails import ResetMails
from videoflix.accounts.revocations import Revocations
from videoflix.accounts.tokens import REFRESH_REFUSED, Tokens, utc_now
from videoflix.errors import (
    Conflict,
    FieldErrors,
    InvalidLink,
    Unauthenticated,
)
from videoflix.models import Link, LinkPurpose, Session, User, Visitor
from videoflix.ports import Mailer, SessionStore, UserStore

CHECK_INPUT = "Please check your input and try again."
SOMEBODY = Visitor()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: the user and the tokens for the cookies."""

    user: User
    access: str
    refresh: str


@dataclass(frozen=True, slots=True)
class Lifetimes:
    access: timedelta
    refresh: timedelta
    link: timedelta


class AccountsService:
    """Every operation raises DatabaseUnavailable when the database is away."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        *,
        passwords: PasswordHasher,
        tokens: Tokens,
        revocations: Revocations,
        mailer: Mailer,
        reset_mails: ResetMails,
        frontend_url: str,
        lifetimes: Lifetimes,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._passwords = passwords
        self._tokens = tokens
        self._revocations = revocations
        self._mailer = mailer
        self._templates = MailTemplates()
        self._reset_mails = reset_mails
        self._frontend_url = frontend_url
        self._lifetimes = lifetimes

    async def register(
        self, email: str, password: str, confirmed_password: str
    ) -> tuple[User, str]:
        """Add an inactive account and mail its activation link; the user and the link's token.

        Raises FieldErrors, and MailUnavailable after taking the account back.
        """
        address = self._checked(
            email, "password", password, "confirmed_password", confirmed_password
        )
        token, link = self._new_link(LinkPurpose.ACTIVATE)
        user = await self._add(address, password, is_active=False, is_staff=False, link=link)
        url = activation_url(self._frontend_url, user.id, token)
        try:
            await self._mailer.send(self._templates.activation(address, url, self._link_hours))
        except BaseException:
            # Whatever went wrong, a cancelled request too: nobody has the link.
            await self._users.delete(user.id)
            raise
        return user, token

    async def activate(self, uidb64: str, token: str) -> None:
        """Raises InvalidLink."""
        claim = parse_link(uidb64, token)
        if claim is None or not await self._users.activate(
            claim.user_id, claim.token_hash, utc_now()
        ):
            raise InvalidLink("Activation failed.")

    async def login(self, email: str, password: str, visitor: Visitor = SOMEBODY) -> SignedIn:
        """Start a session of a visitor. Raises FieldErrors, the same for every reason to refuse."""
        user = await self._find(email)
        if not await self._passwords.verify(password, user.password_hash if user else None):
            user = None
        if user is None or not user.is_active:
            raise FieldErrors({"non_field_errors": [CHECK_INPUT]})
        if self._passwords.is_outdated(user.password_hash):
            user = await self._rehash(user, password)
        started = utc_now()
        session = Session(
            id=secrets.token_hex(16),
            user_id=user.id,
            created_at=started,
            expires_at=started + self._lifetimes.refresh,
            used_at=started,
            visitor=visitor,
        )
        await self._sessions.add(session)
        # A password reset in the meantime ended all sessions that it found; it may have missed
        # this one.
        current = await self._users.find(user.id)
        if current is None or current != user:
            await self._revocations.end(session.id, user.id)
            raise FieldErrors({"non_field_errors": [CHECK_INPUT]})
        return SignedIn(user, self._tokens.access(user, session), self._tokens.refresh(session))

    async def logout(self, refresh_token: str) -> None:
        """End the session of a refresh token. Raises Unauthenticated."""
        claims = self._tokens.check_refresh(refresh_token)
        if not await self._revocations.end(claims.session_id, claims.user_id):
            raise Unauthenticated(REFRESH_REFUSED)

    async def refresh(self, refresh_token: str) -> str:
        """A new access token. Raises Unauthenticated."""
        claims = self._tokens.check_refresh(refresh_token)
        session = await self._sessions.use(claims.session_id)
        if session is None or session.expires_at <= utc_now():
            raise Unauthenticated(REFRESH_REFUSED)
        user = await self._users.find(session.user_id)
        if user is None or not user.is_active or user.id != claims.user_id:
            raise Unauthenticated(REFRESH_REFUSED)
        return self._tokens.access(user, session)

    async def request_password_reset(self, email: str) -> None:
        """Mail a reset link if there is such an account, after this has returned: neither the
        answer nor its time tells. Raises FieldErrors for what is no address."""
        await self._reset_mails.ask(parse_address(email))

    async def confirm_password_reset(
        self, uidb64: str, token: str, new_password: str, confirm_password: str
    ) -> None:
        """Set the password by a reset link and end all sessions. Raises InvalidLink,
        FieldErrors."""
        claim = parse_link(uidb64, token)
        if claim is None:
            raise InvalidLink("Invalid reset link.")
        user = await self._users.find_by_link(
            claim.user_id, LinkPurpose.RESET, claim.token_hash, utc_now()
        )
        if user is None:
            raise InvalidLink("Invalid reset link.")
        self._checked(
            user.email, "new_password", new_password, "confirm_password", confirm_password
        )
        password_hash = await self._passwords.hash(new_password)
        # Before, so that a crash between the two leaves no old session; after, for those that
        # began in between.
        await self._revocations.end_all(user.id)
        if not await self._users.reset_password(
            user.id, claim.token_hash, utc_now(), password_hash
        ):
            raise InvalidLink("Invalid reset link.")
        await self._revocations.end_all(user.id)

    async def create(self, email: str, password: str, *, is_staff: bool) -> User:
        """Add an active account without a mail (command line). Raises FieldErrors."""
        address = self._checked(email, "password", password, "password", password)
        return await self._add(address, password, is_active=True, is_staff=is_staff, link=None)

    @property
    def _link_hours(self) -> float:
        return self._lifetimes.link / timedelta(hours=1)

    def _new_link(self, purpose: LinkPurpose) -> tuple[str, Link]:
        token = new_token()
        return token, Link(purpose, hash_token(token), utc_now() + self._lifetimes.link)

    @staticmethod
    def _checked(
        email: str, password_field: str, password: str, again_field: str, again: str
    ) -> Address:
        """The address, when it and both entries of the password are fine; else FieldErrors."""
        fields: dict[str, list[str]] = {}
        address = None
        try:
            address = parse_address(email)
        except FieldErrors as error:
            fields |= error.fields
        fields |= checked_password(email, password_field, password, again_field, again)
        if address is None or fields:
            raise FieldErrors(fields)
        return address

    async def _add(
        self, address: Address, password: str, *, is_active: bool, is_staff: bool, link: Link | None
    ) -> User:
        password_hash = await self._passwords.hash(password)
        try:
            return await self._users.add(
                address.typed,
                address.folded,
                password_hash,
                is_active=is_active,
                is_staff=is_staff,
                link=link,
            )
        except Conflict as error:
            raise FieldErrors({"non_field_errors": [CHECK_INPUT]}) from error

    async def _find(self, email: str) -> User | None:
        try:
            address = parse_address(email)
        except FieldErrors:
            return None
        return await self._users.find_by_email(address.folded)

    async def _rehash(self, user: User, password: str) -> User:
        password_hash = await self._passwords.hash(password)
        if await self._users.replace_password_hash(user.id, user.password_hash, password_hash):
            return replace(user, password_hash=password_hash)
        # Another login of the same moment was faster, or the password is another one by now.
        current = await self._users.find(user.id)
        if current and await self._passwords.verify(password, current.password_hash):
            return replace(user, password_hash=current.password_hash)
        return user
