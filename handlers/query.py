"""Query parameters: checked by a model, described in the API document from the same model."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from handlers.schemas import field_errors

PAGE_MAX = 1_000_000
PAGE_SIZE = 20
PAGE_SIZE_MAX = 100
SEARCH_MAX = 100


def _searchable(text: str) -> str:
    """No text that is searched has a NUL, and not every database takes one in a pattern."""
    return text.replace("\0", " ")


class Query(BaseModel):
    """Parameters that a model does not name are ignored; an empty one counts as not given."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


Search = Annotated[str, Field(max_length=SEARCH_MAX), AfterValidator(_searchable)]


class PageQuery(Query):
    """Which page of a list."""

    page: int = Field(1, ge=1, le=PAGE_MAX, description="Counted from 1.")
    page_size: int = Field(PAGE_SIZE, ge=1, le=PAGE_SIZE_MAX)


Model = TypeVar("Model", bound=Query)


def parse_query(model: type[Model], arguments: Mapping[str, Sequence[bytes]]) -> Model:
    """Of a parameter that is given more than once the last one counts. Raises FieldErrors."""
    values = {name: found[-1].decode("utf-8", "replace") for name, found in arguments.items()}
    try:
        return model.model_validate({name: value for name, value in values.items() if value})
    except ValidationError as error:
        raise field_errors(error) from error


def page_numbers(page: int, size: int, count: int) -> tuple[int | None, int | None]:
    """The numbers of the next and the previous page that hold something."""
    last = -(-count // size)
    following = page + 1 if page < last else None
    previous = min(page - 1, last) or None
    return following, previous


def query_parameters(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameters, as OpenAPI has them, of a model's JSON schema."""
    found = []
    for name, described in schema["properties"].items():
        value = dict(described)
        parameter = {"name": name, "in": "query", "schema": value}
        if description := value.pop("description", None):
            parameter["description"] = description
        if choices := [choice for choice in value.pop("anyOf", []) if choice != {"type": "null"}]:
            value |= choices[0]  # there is no null in a query
            value.pop("default", None)
        found.append(parameter)
    return found
