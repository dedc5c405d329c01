"""A document as YAML again: the fields that its author gave, in the order of the model, readable by `load`."""

from typing import Any, Final

import yaml

from control_plane.policy.model import Document
from control_plane.policy.yaml_tree import plain_scalar

_ORDER: Final = ("apiVersion", "kind", "metadata", "spec")


class _Dumper(yaml.SafeDumper):
    """YAML without anchors, its text quoted wherever `yaml_tree` would take it for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_data(self, data: Any) -> yaml.Node:
        if isinstance(data, str) and not isinstance(plain_scalar(data), str):
            return self.represent_scalar("tag:yaml.org,2002:str", data, style='"')
        return super().represent_data(data)


def to_yaml(document: Document) -> str:
    """One YAML document, without `---`."""
    given = document.model_dump(mode="json", by_alias=True, exclude_unset=True)
    ordered = {name: given[name] for name in _ORDER if name in given}
    text: str = yaml.dump(ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text
