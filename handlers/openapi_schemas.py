"""JSON schemas of bodies for the API document, from the models and types of bodies."""

from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from handlers.documentation import FieldErrorsOf
from handlers.schemas import NON_FIELD

JsonObject = dict[str, Any]


class _Plain(GenerateJsonSchema):
    """Without titles that only repeat the names of fields, and without empty defaults."""

    def default_schema(self, schema: Any) -> JsonObject:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 -- pydantic's
        return False


class Schemas:
    """JSON schemas of the types of bodies; models become components."""

    def __init__(self) -> None:
        self.components: JsonObject = {}
        self._made: dict[tuple[Any, str], JsonObject] = {}

    def of(self, kind: Any, mode: Any = "serialization") -> JsonObject:
        """The same object for the same type: hundreds of answers share a few dozen types."""
        key = (kind, mode)
        if key not in self._made:
            self._made[key] = self._make(kind, mode)
        return self._made[key]

    def _make(self, kind: Any, mode: Any) -> JsonObject:
        if isinstance(kind, FieldErrorsOf):
            return self._field_errors(kind.model)
        schema = TypeAdapter(kind).json_schema(
            mode=mode, ref_template="#/components/schemas/{model}", schema_generator=_Plain
        )
        self.components.update(schema.pop("$defs", {}))
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return self._component(kind.__name__, schema)
        return schema

    def parts_of(self, model: type[BaseModel]) -> JsonObject:
        """The schema of a model that is no component itself."""
        self._make(model, "validation")
        parts: JsonObject = self.components.pop(model.__name__)
        return parts

    def _field_errors(self, model: type[BaseModel]) -> JsonObject:
        messages = self._component(
            "Messages", {"type": "array", "items": {"type": "string"}, "minItems": 1}
        )
        schema = {
            "type": "object",
            "description": "Messages for each field that is wrong, and for the request as a whole.",
            "properties": dict.fromkeys([*model.model_fields, NON_FIELD], messages),
            "additionalProperties": False,
            "minProperties": 1,
        }
        return self._component(f"{model.__name__}Errors", schema)

    def _component(self, name: str, schema: JsonObject) -> JsonObject:
        self.components[name] = schema
        return {"$ref": f"#/components/schemas/{name}"}
