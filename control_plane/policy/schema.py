"""The JSON Schema of the documents, for editors: made from the models, so that it cannot differ from them."""

from typing import Any

from pydantic import TypeAdapter

from control_plane.policy.model import AnyDocument


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of one document of any kind."""
    schema: dict[str, Any] = TypeAdapter(AnyDocument).json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Tulle policy document", **schema}
