"""The bodies of requests. Types are strict: an object where a text belongs never gets further.

Fields that a model does not name are ignored: nobody makes himself an admin by asking for it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic.config import JsonDict

from videoflix.catalogue.positions import POSITION_MAX
from videoflix.encoding.control import BULK_MAX
from videoflix.errors import FieldErrors
from videoflix.models import (
    CATEGORY_MAX,
    CATEGORY_SUGGESTIONS,
    DESCRIPTION_MAX,
    TITLE_MAX,
)

NON_FIELD = "non_field_errors"
REQUIRED = "This field is required."

# Longer than anything that could be valid; the services give the precise messages.
_TEXT_MAX = 1000
ID_MAX = 9_999_999_999

_MESSAGES = {
    "missing": REQUIRED,
    "string_type": "Not a valid string.",
    "string_unicode": "Not a valid string.",
    "string_too_short": "This field may not be blank.",
    "string_too_long": "Ensure this field has no more than {max_length} characters.",
    "model_type": "The body must be a JSON object.",
    "json_invalid": "The body is not valid JSON.",
    "enum": "Not a valid choice.",
    "float_type": "Not a valid number.",
    "finite_number": "Not a valid number.",
    "int_type": "Not a valid number.",
    "int_parsing": "Not a valid number.",
    "list_type": "Not a list.",
    "greater_than_equal": "Too small.",
    "less_than_equal": "Too large.",
    "too_long": "Too many.",
}

Model = TypeVar("Model", bound=BaseModel)


def _text(kind: str, example: str) -> Any:
    """A text; ``kind`` (a format of JSON Schema) and ``example`` are for the API document."""
    shown: JsonDict = {"format": kind}
    return Field(min_length=1, max_length=_TEXT_MAX, examples=[example], json_schema_extra=shown)


def _email(example: str = "user@example.com") -> Any:
    return _text("email", example)


def _password() -> Any:
    return _text("password", "quiet-Harbour-42")


class Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, hide_input_in_errors=True)


class Registration(Body):
    email: str = _email("new.user@example.com")
    password: str = _password()
    confirmed_password: str = _password()


class Login(Body):
    email: str = _email()
    password: str = _password()


class PasswordResetRequest(Body):
    email: str = _email()


class PasswordResetConfirmation(Body):
    new_password: str = _password()
    confirm_password: str = _password()


class PasswordChange(Body):
    current_password: str = _password()
    new_password: str = _password()
    confirm_password: str = _password()


class AccountDeletion(Body):
    password: str = _password()


class Empty(Body):
    """A request whose body says nothing."""


class VideoEdit(Body):
    """What is not named stays as it is."""

    title: str = Field("", json_schema_extra={"minLength": 1, "maxLength": TITLE_MAX})
    description: str = Field("", json_schema_extra={"maxLength": DESCRIPTION_MAX})
    category: str = Field("", json_schema_extra={"maxLength": CATEGORY_MAX})


_File = Annotated[
    bytes, WithJsonSchema({"type": "string", "contentMediaType": "application/octet-stream"})
]


class Picture(Body):
    """What is wrong with a picture, for the API document alone: it is the whole body."""

    thumbnail: _File


class WatchPosition(Body):
    position: float = Field(
        ge=0, le=POSITION_MAX, allow_inf_nan=False, description="Seconds from the film's start."
    )


class RetryMany(Body):
    """Which failed videos are to be tried again."""

    ids: list[Annotated[int, Field(ge=1, le=ID_MAX)]] | None = Field(
        None, max_length=BULK_MAX, description="Without it: all that have failed."
    )


_Film = Annotated[_File, Field(json_schema_extra={"minLength": 1})]


class VideoUpload(Body):
    """The form of an upload, for the API document alone: it is read as it arrives."""

    title: str = Field(min_length=1, max_length=TITLE_MAX)
    description: str = Field("", max_length=DESCRIPTION_MAX)
    category: str = Field("", max_length=CATEGORY_MAX, examples=list(CATEGORY_SUGGESTIONS))
    file: _Film
    thumbnail: _File = Field(b"", description="A JPEG, PNG or WebP; else made from the film.")


def _fields(error: ValidationError) -> Mapping[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_input=False):
        name = str(problem["loc"][0]) if problem["loc"] else NON_FIELD
        message = _MESSAGES.get(problem["type"], "Not valid.")
        fields.setdefault(name, []).append(message.format_map(problem.get("ctx", {})))
    return fields


def field_errors(error: ValidationError) -> FieldErrors:
    """What is wrong, in words for the client."""
    return FieldErrors(_fields(error))


def parse_body(model: type[Model], body: bytes) -> Model:
    """The JSON ``body`` as ``model``; an empty one counts as ``{}``. Raises FieldErrors."""
    try:
        return model.model_validate_json(body if body.strip() else b"{}")
    except ValidationError as error:
        raise field_errors(error) from error
