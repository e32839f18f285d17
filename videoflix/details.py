"""The one check of what an admin says about a film; its messages go back to the form."""

import unicodedata
from collections.abc import Mapping, Sequence

from videoflix.errors import FieldErrors
from videoflix.models import CATEGORY_MAX, DESCRIPTION_MAX, TITLE_MAX, VideoDetails

REQUIRED = "This field is required."
BLANK = "This field may not be blank."
CONTROL = "Control characters are not allowed."

# Control characters, halves of surrogate pairs, and (in one-line fields) line separators: none
# of them may reach a mail header, a log line or a playlist.
_REFUSED = frozenset({"Cc", "Cs"})
_LINE_ENDS = frozenset({"Zl", "Zp"})


def too_long(limit: int) -> str:
    return f"Ensure this field has no more than {limit} characters."


def _refused(value: str, *, may_have_lines: bool) -> bool:
    if may_have_lines:
        value = value.replace("\n", "").replace("\t", "")
    refused = _REFUSED if may_have_lines else _REFUSED | _LINE_ENDS
    return any(unicodedata.category(character) in refused for character in value)


def _problems(value: str, limit: int, *, may_have_lines: bool = False) -> list[str]:
    found = []
    if len(value) > limit:
        found.append(too_long(limit))
    if _refused(value, may_have_lines=may_have_lines):
        found.append(CONTROL)
    return found


def check_details(
    details: VideoDetails, others: Mapping[str, Sequence[str]] | None = None
) -> VideoDetails:
    """The details without surrounding white space and with ``\\n`` as the only line end.

    Raises FieldErrors with a message for every field that is wrong: the title has 1 to 150
    characters, the category at most 50, the description at most 5000. ``others`` are messages
    about further fields of the same form, raised together with these.
    """
    checked = VideoDetails(
        title=details.title.strip(),
        description=details.description.replace("\r\n", "\n").replace("\r", "\n").strip(),
        category=details.category.strip(),
    )
    fields = {
        "title": _problems(checked.title, TITLE_MAX) if checked.title else [BLANK],
        "description": _problems(checked.description, DESCRIPTION_MAX, may_have_lines=True),
        "category": _problems(checked.category, CATEGORY_MAX),
        **{name: list(messages) for name, messages in (others or {}).items()},
    }
    wrong = {name: messages for name, messages in fields.items() if messages}
    if wrong:
        raise FieldErrors(wrong)
    return checked
