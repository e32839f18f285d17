"""Query parameters: checked by a model, described in the API document from the same model."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from handlers.schemas import field_errors


class Query(BaseModel):
    """Parameters that a model does not name are ignored; an empty one counts as not given."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


Model = TypeVar("Model", bound=Query)


def parse_query(model: type[Model], arguments: Mapping[str, Sequence[bytes]]) -> Model:
    """Of a parameter that is given more than once the last one counts. Raises FieldErrors."""
    values = {name: found[-1].decode("utf-8", "replace") for name, found in arguments.items()}
    try:
        return model.model_validate({name: value for name, value in values.items() if value})
    except ValidationError as error:
        raise field_errors(error) from error


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
