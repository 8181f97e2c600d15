"""`stellwerk redact`: the redactor's own masking, without a bus."""

import io
import json

import pytest

from stellwerk.errors import BadInput
from stellwerk.redact import redact_command, redact_lines, redact_text


def _run(text: str | None, source: str = "", *, jsonl: bool = False) -> tuple[int, str]:
    target = io.StringIO()
    code = redact_command(text, jsonl=jsonl, source=io.StringIO(source), target=target)
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
