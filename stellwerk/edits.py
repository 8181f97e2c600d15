"""Changes one place in a document that people wrote, and leaves every other byte as it is.

Comments, blank lines and quotes stay, so a version beside the one before shows only the change.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from stellwerk.errors import CommandError

_AS_WRITTEN: Final[dict[str, Any]] = {"sort_keys": False, "width": 10_000, "allow_unicode": True}
"""Wider than any line, so that nothing is wrapped."""
_INDENT: Final = 2


def put(text: str, path: Sequence[str], value: object) -> str:
    """Return the document with `value` at `path`, where one is replaced or a new one added.

    Raises `CommandError` for a document whose form does not let it be changed by a program.
    """
    content = yaml.safe_load(text)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    wanted = _copied(content)
    _set(wanted, path, value)
    changed = _put(text, root, path, value) if isinstance(root, yaml.MappingNode) else text
    try:
        is_right = yaml.safe_load(changed) == wanted
    except yaml.YAMLError:
        is_right = False
    if not is_right:
        raise CommandError(
            f"{'.'.join(path)} cannot be changed by itself in a document of this form. Change it "
            "in your file and put that in force with `stellwerk policy apply`."
        )
    return changed


def _copied(content: Any) -> Any:  # noqa: ANN401 -- as YAML is
    """Return a copy in which no two places are the same one, as they are behind an anchor."""
    if isinstance(content, dict):
        return {name: _copied(value) for name, value in content.items()}
    return [_copied(one) for one in content] if isinstance(content, list) else content


def _set(content: Any, path: Sequence[str], value: object) -> None:  # noqa: ANN401 -- as YAML is
    for name in path[:-1]:
        content = content.setdefault(name, {})
    content[path[-1]] = value


def _put(text: str, root: yaml.MappingNode, path: Sequence[str], value: object) -> str:
    parent, place = root, 0
    while (found := _entry(parent, path[place])) is not None:
        key, node = found
        if place == len(path) - 1:
            return _replaced(text, key, node, path[place], value)
        if not isinstance(node, yaml.MappingNode):
            return text
        if not node.value:
            return _filled(text, key, node, path[place + 1 :], value)
        parent, place = node, place + 1
    return _added(text, parent, _nested(path[place:], value))


def _entry(parent: yaml.MappingNode, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    return next(((key, node) for key, node in parent.value if key.value == name), None)


def _nested(path: Sequence[str], value: object) -> dict[str, object]:
    for name in reversed(path[1:]):
        value = {name: value}
    return {path[0]: value}


def _replaced(text: str, key: yaml.Node, node: yaml.Node, name: str, value: object) -> str:
    is_leaf = not isinstance(value, Mapping | list | tuple)
    in_line = node.flow_style if isinstance(node, yaml.CollectionNode) else is_leaf
    if in_line:
        return text[: node.start_mark.index] + _flow(value) + text[node.end_mark.index :]
    first = text.rfind("\n", 0, key.start_mark.index) + 1
    rest = text[_line_after(text, node) :]
    return text[:first] + _block({name: value}, key.start_mark.column) + rest


def _filled(
    text: str, key: yaml.Node, node: yaml.MappingNode, path: Sequence[str], value: object
) -> str:
    """Return the document with entries where it says `{}`, each on lines of its own."""
    line_end = _line_after(text, node)
    head = text[: node.start_mark.index].rstrip(" ")
    rest = text[node.end_mark.index : line_end]
    rest = rest if rest.endswith("\n") else f"{rest}\n"
    return (
        head
        + rest
        + _block(_nested(path, value), key.start_mark.column + _INDENT)
        + (text[line_end:])
    )


def _added(text: str, parent: yaml.MappingNode, entry: Mapping[str, object]) -> str:
    if parent.flow_style:
        at = parent.end_mark.index - 1
        inside = _flow(entry).removeprefix("{").removesuffix("}")
        body = text[:at].rstrip(" ")
        return f"{body}, {inside}{' ' * (at - len(body))}{text[at:]}"
    after = _line_after(text, parent)
    before = text[:after]
    before += "" if before.endswith("\n") else "\n"
    return before + _block(entry, parent.value[0][0].start_mark.column) + text[after:]


def _line_after(text: str, node: yaml.Node) -> int:
    """Return where the line begins that follows what a node says, comments behind it aside."""
    while isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(node, yaml.MappingNode) else last
    end: int = node.end_mark.index
    if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}:
        return end - node.end_mark.column
    found = text.find("\n", end)
    return len(text) if found < 0 else found + 1


def _block(entry: Mapping[str, object], column: int) -> str:
    """Return entries as lines: what holds others over several of them, the innermost in one."""
    lines: list[str] = []
    for name, value in entry.items():
        is_leaf = not isinstance(value, Mapping | list | tuple)
        dumped: str = yaml.safe_dump(
            {name: list(value) if isinstance(value, tuple) else value},
            default_flow_style=False if is_leaf else None,
            **_AS_WRITTEN,
        )
        lines += dumped.splitlines()
    return "".join(f"{' ' * column}{line}\n" for line in lines)


def _flow(value: object) -> str:
    dumped: str = yaml.safe_dump(value, default_flow_style=True, **_AS_WRITTEN)
    return dumped.removesuffix("...\n").strip()
