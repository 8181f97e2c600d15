"""The tree that is drawn is the tree that there is."""

import re

from stellwerk import errors
from stellwerk.errors import StellwerkError


def drawn() -> dict[str, str]:
    """Return each error's parent as the module's text draws it."""
    parents: dict[str, str] = {}
    branch = [""] * 10
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ([│├└─ ]*)([A-Z]\w+)(\s|$)", line)
        if found and (found[1] or found[2] == "StellwerkError"):
            depth = len(found[1]) // 4
            branch[depth] = found[2]
            parents[found[2]] = branch[depth - 1] if depth else "Exception"
    return parents


def defined() -> dict[str, str]:
    return {
        name: each.__bases__[0].__name__
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, StellwerkError)
    }


def test_the_tree_is_drawn_as_it_is() -> None:
    assert drawn() == defined()
