"""Where in a dbt YAML file a thing stands, for messages about it.

Belongs here: line numbers. Does not: reading what a file says (`contracts.py`).
"""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml


def line_of(path: Path, feed: str, problem: str) -> int | None:
    """Line (from 1) of what a problem of a feed's contract speaks of; None when it is not found.

    The first words of `problem` that are options, or names of columns, lead from the feed's table
    to the line; else the line is that of the table. The file is read only once something is wrong.
    """
    document = yaml.compose(path.read_text(encoding="utf-8"))
    table = next((node for node in _mappings(document) if _name(node) == feed), None)
    if table is None:
        return None
    node, line = table, table.start_mark.line
    for word in re.findall(r"\w+", problem)[:4]:
        for key, value in _pairs(node):
            if key.value == word or (key.value == "name" and value.value == word):
                line = key.start_mark.line
                node = value if isinstance(value, yaml.MappingNode) else node
                break
    return line + 1


def _mappings(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _mappings(value)


def _pairs(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    for mapping in _mappings(node):
        yield from mapping.value


def _name(node: yaml.MappingNode) -> str | None:
    """The name of a table of a source; not of the source itself, nor of a column."""
    options = {
        key.value: value.value for key, value in node.value if isinstance(key, yaml.ScalarNode)
    }
    return options.get("name") if "columns" in options or "config" in options else None
