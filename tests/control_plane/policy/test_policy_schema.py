"""The published JSON Schema is the models' own."""

from control_plane.policy.model import KINDS
from control_plane.policy.schema import json_schema


def test_the_schema_knows_every_kind_and_refuses_unknown_fields() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["discriminator"]["mapping"]) == set(KINDS)
    blocks = [block for block in schema["$defs"].values() if block.get("type") == "object"]
    assert len(blocks) > 20
    assert all(block["additionalProperties"] is False for block in blocks)


def test_fields_are_named_as_documents_write_them() -> None:
    definitions = json_schema()["$defs"]
    assert {"targetRefs", "timeouts", "loadBalancing", "circuitBreaker", "outlier"} <= set(
        definitions["TrafficPolicySpec"]["properties"]
    )
    assert "from" in definitions["AccessRuleSpec"]["properties"]
    assert definitions["Timeouts"]["properties"]["request"]["anyOf"][0]["pattern"].startswith("^([0-9]")
