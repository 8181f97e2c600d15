"""Every page, checked alike: its views, its words, and nothing that another host would serve."""

import re
from pathlib import Path

import pytest

from services.console import wording
from services.console.door import HEADERS, STATIC
from services.console.entrance import place_of
from services.console.pages.base import TEMPLATES, Page
from shared import plugins
from shared.contracts.access import Right

PAGES = plugins.load("services.console.pages", Page)
SOURCES = sorted(TEMPLATES.glob("*.html"))
CODE = [*sorted(Path(wording.__file__).parent.glob("*.py")), *sorted(TEMPLATES.parent.glob("*.py"))]


def test_every_view_names_the_right_that_it_needs() -> None:
    views = [view for page in PAGES for view in page.VIEWS]
    assert views
    assert all(isinstance(view.right, Right) for view in views)
    # Nothing is changed, and no text is shown, by following a link.
    needs = {view.right for view in views if view.method == "GET"}
    assert needs == {Right.SEE_OPERATIONS}
    assert len({(view.method, view.path) for view in views}) == len(views)


def test_every_sentence_that_is_used_exists_and_every_one_that_exists_is_used() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in [*SOURCES, *CODE])
    used = set(re.findall(r"\b(?:w|wording)\.([A-Z][A-Z0-9_]*)", text))
    known = {name for name in vars(wording) if name.isupper()}
    own = Path(wording.__file__).read_text(encoding="utf-8")
    inside = set(re.findall(r"(?<![.\w])([A-Z][A-Z0-9_]+)\b(?!: Final)", own))
    assert used - known == set()
    assert known - used - inside == set()


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_template_holds_what_the_content_policy_forbids(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    assert re.findall(r"\sstyle=|\son[a-z]+=|hx-on|javascript:|<style|<script>", text) == []
    assert re.findall(r"(?:src|href|action|hx-get|hx-post)=\"(?:https?:)?//", text) == []
    assert "|safe" not in text


def test_the_content_policy_allows_nothing_in_line_and_no_other_host() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    sources = {part.split()[0]: part.split()[1:] for part in policy.split("; ")}
    assert sources.pop("default-src") == ["'none'"]
    assert {source for each in sources.values() for source in each} == {"'self'", "'none'"}


def test_our_own_files_ask_no_other_host() -> None:
    for file in (STATIC / "console.css", STATIC / "console.js"):
        assert re.findall(r"https?://|url\(", file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("/requests/01a2", "/requests/01a2"),
        ("/", "/"),
        ("//elsewhere.example", "/"),
        ("https://elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("/x?next=//elsewhere", "/"),
        ("", "/"),
    ],
)
def test_signing_in_leads_to_a_page_of_ours_only(asked: str, place: str) -> None:
    assert place_of(asked) == place
