"""Where in a dbt YAML file a thing stands, for messages about it.

Belongs here: line numbers. Does not: reading what a file says (`contracts/`).
"""

from pathlib import Path

import yaml

# Stand between a table or a column and its options; nobody needs to name them.
_AROUND_OPTIONS = ("config", "meta", "contract")


def line_of(path: Path, feed: str, *names: str) -> int | None:
    """Line (from 1) of something in a feed's source table; None when there is no such table.

    `names` lead to it: options, and names of things in lists ("columns", "price", "type"). Where
    they lead no further, the line is that of the last that was found. `path` holds dbt's sources;
    it is read only once something is wrong.
    """
    document = yaml.compose(path.read_text(encoding="utf-8"))
    _, sources = _step(document, "sources")
    for source in sources.value:
        found = _step(source, "tables")
        table = _step(found[1], feed) if found else None
        if table:
            return _last_line(table, names)
    return None


def _last_line(found: tuple[int, yaml.Node], names: tuple[str, ...]) -> int:
    for name in names:
        further = _step(found[1], name)
        if further is None:
            break
        found = further
    return found[0]


def _step(node: yaml.Node, name: str) -> tuple[int, yaml.Node] | None:
    """Line and value of a mapping's option, or line and mapping of the thing so named in a list."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            line, value = _options(item).get("name", (0, None))
            if value is not None and value.value == name:
                return line, item
        return None
    options = _options(node)
    inner = (_step(options[around][1], name) for around in _AROUND_OPTIONS if around in options)
    return options.get(name) or next(filter(None, inner), None)


def _options(node: yaml.Node) -> dict[str, tuple[int, yaml.Node]]:
    """Option → its line and value, of a mapping; nothing of any other node."""
    return {
        key.value: (key.start_mark.line + 1, value)
        for key, value in (node.value if isinstance(node, yaml.MappingNode) else ())
        if isinstance(key, yaml.ScalarNode)
    }
