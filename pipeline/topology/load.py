"""A topology file as values with places: YAML nodes keep line and column, `${NAME}` is filled in.

Pure: the caller reads the file and hands in the variables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pipeline.topology.findings import Finding, Place, finding

Path = tuple[str | int, ...]

VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\})")

MOST_NODES = 100_000
"""A file of more nodes is no topology: aliases within aliases grow without end."""


@dataclass
class Document:
    """What a file says, where each value and key stands, and what was wrong while reading."""

    file: str
    data: Any = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unset: set[Path] = field(default_factory=set)

    def place(self, path: Path) -> Place:
        """Place of the value at `path`, or of the nearest value around it."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Place(self.file, 1, 1))

    def key_place(self, path: Path) -> Place:
        """Place of the key that `path` ends in, or of its value when it is an item of a list."""
        return self.keys.get(path) or self.place(path)


def parse(text: str, *, file: str, variables: Mapping[str, str]) -> Document:
    """The document of `text`; faults of syntax and unset variables are findings in it."""
    document = Document(file)
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
        document.findings.append(finding("YAML_SYNTAX", place, str(error.problem or error.context or "not YAML")))
        return document
    except YAMLError as error:
        document.findings.append(finding("YAML_SYNTAX", Place(file, 1, 1), " ".join(str(error).split())))
        return document
    if root is not None:
        reader = _Reader(document, variables, yaml)
        document.data = reader.read(root, ())
    return document


@dataclass
class _Reader:
    document: Document
    variables: Mapping[str, str]
    yaml: YAML
    open_nodes: set[int] = field(default_factory=set)
    count: int = 0

    def read(self, node: Node, path: Path) -> Any:
        self.document.values[path] = self._place(node)
        self.count += 1
        if id(node) in self.open_nodes or self.count > MOST_NODES:
            if self.count <= MOST_NODES + 1:
                self._found("YAML_SYNTAX", node, "an alias that contains itself, or far too many values")
                self.count = MOST_NODES + 1
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        self.open_nodes.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
            assert isinstance(node, MappingNode)
            return self._mapping(node, path)
        finally:
            self.open_nodes.discard(id(node))

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for key_node, value_node in node.value:
            # `on`, `12` and `~` are names here like any other, so a key is its text.
            key = str(key_node.value) if isinstance(key_node, ScalarNode) else "?"
            if key in read:
                self._found("KEY_TWICE", key_node, f"`{key}` stands twice here")
                continue
            self.document.keys[(*path, key)] = self._place(key_node)
            read[key] = self.read(value_node, (*path, key))
        return read

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        if "$" not in node.value:
            try:
                return self.yaml.constructor.construct_object(node)
            except YAMLError:
                self._found("YAML_SYNTAX", node, f"`{node.value}` has a tag or form that is not understood")
                return None

        def fill(match: re.Match[str]) -> str:
            if match["dollar"]:
                return "$"
            value = self.variables.get(match["name"])
            # As in a shell, `:-` also stands in for a variable that is set to nothing.
            if match["default"] is not None:
                return value or match["default"]
            if value is None:
                self.document.unset.add(path)
                self._found("VARIABLE_UNSET", node, f"`${{{match['name']}}}` is not set")
                return ""
            return value

        return VARIABLE.sub(fill, node.value)

    def _place(self, node: Node) -> Place:
        return Place(self.document.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _found(self, code: str, node: Node, message: str) -> None:
        self.document.findings.append(finding(code, self._place(node), message))
