"""Addresses and the parts of one-time links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoflix.accounts.addresses import parse_address
from videoflix.accounts.links import (
    activation_url,
    decode_uid,
    encode_uid,
    hash_token,
    new_token,
    parse_link,
    reset_url,
)
from videoflix.errors import FieldErrors


def test_kept_as_typed_unique_when_folded() -> None:
    address = parse_address("  Some.User+tag@Example.COM ")
    assert address.typed == "Some.User+tag@Example.COM"
    assert address.folded == "some.user+tag@example.com"
    assert parse_address("SOME.user+TAG@EXAMPLE.com").folded == address.folded


def test_international_domains_go_out_in_ascii() -> None:
    address = parse_address("user@bücher.example.com")
    assert address.deliverable == "user@xn--bcher-kva.example.com"


@pytest.mark.parametrize(
    "value",
    [
        *("", "x", "a@b", "@b.org", "a@", "a b@c.org", "ü@b.org", "a@@b.org", "a@[127.0.0.1]"),
        *("a@b.org\nBcc: c@d.org", "a@b.org, c@d.org", "<a@b.org>", "a@b.org\0", "x" * 300),
        "x" * 300 + "@b.org",
    ],
)
def test_r14_no_addresses(value: str) -> None:
    """R14."""
    with pytest.raises(FieldErrors) as refused:
        parse_address(value)
    assert list(refused.value.fields) == ["email"]


@given(st.text())
def test_r14_whatever_is_taken_is_one_line(value: str) -> None:
    """R14."""
    try:
        address = parse_address(value)
    except FieldErrors:
        return
    assert address.deliverable.isascii()
    assert len(f"{address.typed}{address.deliverable}".splitlines()) == 1


@pytest.mark.parametrize(("user_id", "uid"), [(1, "MQ"), (12, "MTI"), (123, "MTIz")])
def test_uid(user_id: int, uid: str) -> None:
    assert encode_uid(user_id) == uid
    assert decode_uid(uid) == user_id


@given(st.text(max_size=40))
def test_no_other_uids(text: str) -> None:
    """Each id has one form; everything else is none."""
    found = decode_uid(text)
    assert found is None or encode_uid(found) == text


def test_r11_tokens_are_random_and_kept_as_hashes() -> None:
    """R11."""
    first, second = new_token(), new_token()
    assert first != second
    assert len(first) == 64
    claim = parse_link("MQ", first)
    assert claim is not None
    assert (claim.user_id, claim.token_hash) == (1, hash_token(first))
    assert first not in claim.token_hash
    for bad in ("", first[:-1], first + "0", first.upper().replace("0", "O"), first + "\n"):
        assert parse_link("MQ", bad) is None


def test_urls() -> None:
    page = "https://films.example/pages/auth"
    assert activation_url("https://films.example", 1, "ab") == (
        f"{page}/activate.html?uid=MQ&token=ab"
    )
    assert reset_url("https://films.example", 1, "ab") == (
        f"{page}/confirm_password.html?uid=MQ&token=ab"
    )
