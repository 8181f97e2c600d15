"""`stellwerk redact`: the redactor's own masking, without a bus."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast

import pytest

from stellwerk.errors import BadInput
from stellwerk.redact import Wanted, redact_command, redact_lines, redact_text

SHIPPED_POLICY = Path(__file__).parents[3] / "config" / "policy.yaml"


def _run(text: str | None, source: str = "", **wanted: Any) -> tuple[int, str]:
    target = io.StringIO()
    code = redact_command(text, Wanted(**wanted), io.StringIO(source), target)
    return code, target.getvalue()


def test_a_text_comes_out_masked() -> None:
    assert _run("Kære Bo Holm, ring på tlf. 12 34 56 78") == (
        0,
        "Kære Klient_001, ring på tlf. Telefon_001\n",
    )


@pytest.mark.parametrize("text", ["-", None])
def test_a_dash_or_nothing_reads_standard_input(text: str | None) -> None:
    assert _run(text, "Kære Bo Holm\n") == (0, "Kære Klient_001\n")


def test_lines_keep_their_ids_and_spans_count_characters_of_the_text() -> None:
    text = "\U0001f642 Kære Bo Holm"
    source = json.dumps({"id": "a", "text": text, "lang": "da"}) + "\n\n" + '{"id":"b","text":""}\n'

    code, out = _run(None, source, jsonl=True)

    first, second = (json.loads(line) for line in out.splitlines())
    assert code == 0
    assert first["masked"] == "\U0001f642 Kære Klient_001"
    assert first["spans"] == [
        {"start": 7, "end": 14, "type": "person", "placeholder": "Klient_001"}
    ]
    assert text[7:14] == "Bo Holm"
    assert second == {"id": "b", "masked": "", "spans": []}


@pytest.mark.parametrize(
    "line",
    [
        "{Bo Holm",
        '"Bo Holm"',
        '{"id": "x"}',
        '{"id": 3, "text": "Bo Holm"}',
        '{"id": "x", "text": ["Bo Holm"]}',
        '{"id": "x", "text": "Bo Holm", "lang": "Bo Holm"}',
        "[" * 100_000,
    ],
)
def test_a_bad_line_ends_the_run_with_its_number_and_never_its_value(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = _run(None, '{"id":"a","text":"Hej"}\n' + line + "\n", jsonl=True)

    error = capsys.readouterr().err
    assert code == 2
    assert len(out.splitlines()) == 1
    assert error.startswith("line 2: ")
    assert "Holm" not in error


def test_a_thousand_lines_are_masked_each_by_itself() -> None:
    lines = (json.dumps({"id": str(at), "text": "Kære Bo Holm"}) for at in range(1000))

    assert {row["masked"] for row in redact_lines(lines)} == {"Kære Klient_001"}


def test_a_bad_line_is_one_exception_for_callers_in_python() -> None:
    with pytest.raises(BadInput, match="line 1"):
        list(redact_lines(["{"]))


def test_a_language_may_be_given() -> None:
    assert redact_text("Hej", "sv")["masked"] == "Hej"


# --- for an officer who tries rules ----------------------------------------------------------


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "projects.txt").write_text("Nordlys\n")
    return tmp_path


def test_json_says_what_was_found_by_which_rule_and_how_far_the_text_may_travel(
    lists: Path,
) -> None:
    text = "Bo Holm er sygemeldt, og Nordlys venter."
    code, out = _run(text, json=True, dictionaries=lists)

    shown = json.loads(out)
    person, project = shown["spans"]
    assert code == 0
    assert shown["masked"] == "Klient_001 er sygemeldt, og Projekt_001 venter."
    assert (shown["sensitivity"], shown["language"]) == ("special", "da")
    assert shown["reasons"] == ["health", "person", "project"]
    assert (person["type"], person["detector"]) == ("person", "rules")
    assert 0 < person["score"] <= 1
    assert project == {
        "start": 25,
        "end": 32,
        "type": "project",
        "placeholder": "Projekt_001",
        "score": 1.0,
        "detector": "dictionary",
        "rule": "project.dictionary",
    }
    assert "Holm" not in out


def test_lines_follow_the_lists_and_have_no_more_fields_for_it(lists: Path) -> None:
    code, out = _run(None, '{"id":"a","text":"Nordlys"}\n', jsonl=True, dictionaries=lists)

    span = {"start": 0, "end": 7, "type": "project", "placeholder": "Projekt_001"}
    assert (code, json.loads(out)) == (0, {"id": "a", "masked": "Projekt_001", "spans": [span]})


def test_a_line_goes_out_before_the_next_is_read() -> None:
    target = io.StringIO()
    seen: list[int] = []

    def lines() -> Iterator[str]:
        for name in "ab":
            seen.append(len(target.getvalue().splitlines()))
            yield json.dumps({"id": name, "text": "Hej"})

    redact_command(None, Wanted(jsonl=True), cast("TextIO", lines()), target)

    assert seen == [0, 1]


def test_a_policy_is_followed(tmp_path: Path) -> None:
    policy = SHIPPED_POLICY.read_text().replace("media: special", "media: internal")
    (tmp_path / "policy.yaml").write_text(policy)
    image = "data:image/png;base64,iVBORw0KGgo="

    def level(**wanted: Any) -> str:
        return str(json.loads(_run(image, json=True, **wanted)[1])["sensitivity"])

    assert (level(), level(policy=tmp_path / "policy.yaml")) == ("special", "internal")


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        ("dictionaries", b"S\xf8lv", "projects.txt, line 1: not UTF-8"),
        ("dictionaries", None, "has no lists"),
        ("policy", b"masking: {style: nonsense}", "policy.yaml breaks its rules at "),
        ("policy", None, "policy.yaml cannot be read"),
    ],
)
def test_rules_that_cannot_be_read_are_said_and_nothing_is_printed(
    tmp_path: Path,
    option: str,
    content: bytes | None,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lists, policy = tmp_path / "lists", tmp_path / "policy.yaml"
    lists.mkdir()
    if content is not None:
        (lists / "default").mkdir()
        (lists / "default" / "projects.txt" if option == "dictionaries" else policy).write_bytes(
            content
        )
    place = lists if option == "dictionaries" else policy

    given: dict[str, Any] = {option: place}
    assert _run("Bo Holm", **given) == (2, "")
    assert said in capsys.readouterr().err
