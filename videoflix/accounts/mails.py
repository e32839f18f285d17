"""The mails that accounts send, made from the templates beside this module."""

from pathlib import Path

from tornado.template import Loader

from videoflix.accounts.addresses import Address
from videoflix.ports import Mail

_TEMPLATES = Path(__file__).parent / "templates"


def _hours(hours: float) -> str:
    return "1 hour" if hours == 1 else f"{hours:g} hours"


class MailTemplates:
    """Renders the text and the HTML part; the HTML one escapes every value."""

    def __init__(self) -> None:
        self._text = Loader(str(_TEMPLATES), autoescape=None, whitespace="all")
        self._html = Loader(str(_TEMPLATES), autoescape="xhtml_escape")

    def activation(self, to: Address, url: str, hours: float) -> Mail:
        return self._mail("activation", "Activate your Videoflix account", to, url, hours)

    def password_reset(self, to: Address, url: str, hours: float) -> Mail:
        return self._mail("password_reset", "Reset your Videoflix password", to, url, hours)

    def _mail(self, name: str, subject: str, to: Address, url: str, hours: float) -> Mail:
        values = {"email": to.typed, "url": url, "hours": _hours(hours), "subject": subject}
        return Mail(
            to=to.deliverable,
            subject=subject,
            text=self._text.load(f"{name}.txt").generate(**values).decode(),
            html=self._html.load(f"{name}.html").generate(**values).decode(),
        )
