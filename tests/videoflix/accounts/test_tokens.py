"""Tokens and the keys that sign them."""

import secrets
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from tests.commands import until
from videoflix.accounts.tokens import Tokens, key_id, signing_key
from videoflix.errors import ConfigurationError, Unauthenticated
from videoflix.models import Session, User

ACCESS = timedelta(minutes=30)
OLD, NEW, OTHER = (secrets.token_urlsafe(48) for _ in range(3))


def user() -> User:
    return User(1, "a@b.org", "hash", is_active=True, is_staff=True, created_at=datetime.now(UTC))


def session() -> Session:
    moment = datetime.now(UTC)
    return Session("ab" * 16, 1, moment, moment + timedelta(days=7), moment)


def test_a_key_that_signed_before_is_accepted_and_signs_no_more() -> None:
    before = Tokens(OLD, access=ACCESS)
    after = Tokens(NEW, [OLD], access=ACCESS)
    access, refresh = before.access(user(), session()), before.refresh(session())
    assert after.check_access(access).user_id == 1
    assert after.check_refresh(refresh).session_id == session().id
    renewed = after.access(user(), session())
    assert jwt.get_unverified_header(renewed)["kid"] == key_id(signing_key(NEW))
    with pytest.raises(Unauthenticated):
        before.check_access(renewed)


@pytest.mark.parametrize("previous", [[], [OTHER]])
def test_r6_an_unknown_key_is_refused(previous: list[str]) -> None:
    before, after = Tokens(OLD, access=ACCESS), Tokens(NEW, previous, access=ACCESS)
    with pytest.raises(Unauthenticated):
        after.check_access(before.access(user(), session()))
    with pytest.raises(Unauthenticated):
        after.check_refresh(before.refresh(session()))


def test_r6_a_key_is_not_taken_for_another() -> None:
    """A token names one accepted key, and is signed with another accepted one."""
    tokens = Tokens(NEW, [OLD], access=ACCESS)
    claims = jwt.decode(tokens.access(user(), session()), options={"verify_signature": False})
    header = {"kid": key_id(signing_key(NEW))}
    mixed = jwt.encode(claims, signing_key(OLD), "HS256", headers=header)
    with pytest.raises(Unauthenticated):
        tokens.check_access(mixed)


def test_without_a_secret_nothing_is_signed() -> None:
    with pytest.raises(ConfigurationError):
        Tokens("", [OLD], access=ACCESS)


def test_r6_a_token_that_was_accepted_before_still_expires() -> None:
    # Expired already, but for the leeway of five seconds.
    tokens = Tokens(NEW, access=timedelta(seconds=-4))
    token = tokens.access(user(), session())

    def is_refused() -> bool:
        try:
            tokens.check_access(token)
        except Unauthenticated:
            return True
        return False

    assert not is_refused()
    until(is_refused, 10)


def test_r6_a_remembered_token_vouches_for_no_other() -> None:
    tokens = Tokens(NEW, access=ACCESS)
    token = tokens.access(user(), session())
    assert tokens.check_access(token) == tokens.check_access(token)
    with pytest.raises(Unauthenticated):
        tokens.check_access(token[:-1] + ("A" if token[-1] != "A" else "Q"))
