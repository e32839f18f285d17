"""The mail drill's sharpest parts, with real processes, in every test run; ``make drills`` does all
of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.drills.mail import MailSite, go_through, killed_while_sending, mail_site
from tests.services import Services
from tests.videoflix.adapters.mail_server import Trouble

MEMBER = "member@example.com"


@pytest.fixture
async def site(tmp_path: Path, services: Services) -> AsyncIterator[MailSite]:
    """Two HTTP processes and a worker."""
    async with mail_site(tmp_path, services, mail_seconds=1) as started:
        await started.add_member(MEMBER)
        yield started


async def test_the_mail_server_is_away_and_comes_back(site: MailSite) -> None:
    """R45: whichever process sends the mail, it arrives once."""
    found = await go_through(site, Trouble.REFUSED, MEMBER)
    assert found.answers == {(200, b'{"detail":"An email has been sent to reset your password."}')}
    assert len(found.mails) == 1
    assert (found.registered, found.accounts_left, found.registered_again) == (503, 0, 201)


async def test_every_process_is_killed_while_a_mail_is_handed_over(site: MailSite) -> None:
    """R45."""
    found = await killed_while_sending(site, MEMBER)
    assert len(found.mails) == 1
