"""Mail addresses: what is accepted, how two are compared, how one goes into a mail."""

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from videoflix.errors import FieldErrors

INVALID = "Enter a valid email address."


@dataclass(frozen=True, slots=True)
class Address:
    """``typed`` is kept for display, ``folded`` is unique, ``deliverable`` is pure ASCII."""

    typed: str
    folded: str
    deliverable: str


def parse_address(value: str) -> Address:
    """The address in ``value``, white space around it ignored. No DNS is asked.

    Raises FieldErrors for ``email``. Local parts beyond ASCII are refused, as many mail servers
    cannot take them; domains may be international.
    """
    try:
        checked = validate_email(value.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise FieldErrors({"email": [INVALID]}) from error
    deliverable = checked.ascii_email
    if deliverable is None:
        raise FieldErrors({"email": [INVALID]})
    return Address(checked.original, checked.normalized.casefold(), deliverable)
