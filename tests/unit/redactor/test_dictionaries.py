"""The company's own lists: what is found by them, what is held back, and how files are read."""

import os
import time
from pathlib import Path

import pytest

from services.redactor.dictionaries import (
    ALLOW,
    ENTRY_CHARS_MAX,
    FILE_BYTES_MAX,
    Dictionaries,
    Dictionary,
    entries_of,
)
from services.redactor.domain import Masked
from services.redactor.in_force import REMARK, InForce
from services.redactor.kinds import COMPANY, PERSON, PROJECT
from services.redactor.policy import Rules
from tests.unit.redactor.masking import masker


def lists(**entries: list[str]) -> Dictionary:
    """Return a dictionary by lists named as their files."""
    kinds = {"persons": PERSON, "companies": COMPANY, "projects": PROJECT, "allow": ALLOW}
    return Dictionary(entries_of({kinds[name]: lines for name, lines in entries.items()}))


def mask(text: str, dictionary: Dictionary) -> Masked:
    return masker().mask([text], rules=Rules(dictionary=dictionary))


def masked(text: str, dictionary: Dictionary) -> str:
    return mask(text, dictionary).texts[0]


# --- what is found -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Status på Nordlys?", "Status på Projekt_001?"),
        ("Nordlyss budget", "Projekt_001s budget"),
        ("Nordlys's budget", "Projekt_001's budget"),
        ("Vi så nordlys i nat", "Vi så nordlys i nat"),
        ("NORDLYS", "NORDLYS"),
        ("Nordlyset", "Nordlyset"),
        ("Nordlys-gruppen", "Projekt_001-gruppen"),
        ("grøn bølge starter", "Projekt_001 starter"),
        ("GRØN\nBØLGE starter", "Projekt_001 starter"),
        ("Gro\u0308n bølge", "Gro\u0308n bølge"),
        ("Grøn\u00a0Bø\u00adlge", "Projekt_001"),
        ("Varmegrøn bølge", "Varmegrøn bølge"),
        ("Fortæl Tordenskjold Rederi det", "Fortæl Firma_001 det"),
    ],
)
def test_an_entry_is_found_as_a_word_of_its_own(text: str, seen: str) -> None:
    own = lists(projects=["Nordlys", "Grøn Bølge"], companies=["Tordenskjold Rederi"])
    assert masked(text, own) == seen


def test_a_text_that_grows_in_lower_case_is_read_all_the_same() -> None:
    assert masked("İİİ GRØN bølge", lists(projects=["Grøn Bølge"])) == "İİİ Projekt_001"


def test_of_two_entries_the_longer_counts_and_the_shorter_where_it_stands_alone() -> None:
    own = lists(projects=["Nordlys", "Nordlys Fase To"])
    assert masked("Nordlys fase to efter Nordlys", own) == "Projekt_001 efter Projekt_002"
    assert masked("Nordlys fase tolv", own) == "Projekt_001 fase tolv"


def test_a_listed_person_is_linked_like_any_other() -> None:
    text = "zebulon quist skrev. Hr. Quist ringede, og Quists sag er lukket."
    found = mask(text, lists(persons=["Zebulon Quist"]))

    assert found.texts[0] == (
        "Klient_001 skrev. Hr. Klient_001 ringede, og Klient_001s sag er lukket."
    )
    (first, *_) = found.finds[0]
    assert (first.type, first.score, first.rule) == (PERSON, 1.0, "person.dictionary")


def test_other_tenants_have_lists_of_their_own() -> None:
    rules = Rules(dictionaries={"north": lists(projects=["Nordlys"])})

    def seen(tenant: str) -> str:
        return masker().mask(["Nordlys"], rules=rules.for_tenant(tenant)).texts[0]

    assert (seen("north"), seen("south")) == ("Projekt_001", "Nordlys")


# --- what is held back ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("Anders Hansen Byg", "Vi ringede til Anders Hansen Byg i dag."),
        ("Max", "Skriv til Max om det."),
        ("Vestergade 12", "Butikken ligger på Vestergade 12."),
        ("Nordlys", "Status på Nordlys?"),
    ],
)
def test_the_allow_list_wins_over_names_companies_projects_and_addresses(
    entry: str, text: str
) -> None:
    assert masked(text, lists(allow=[entry], projects=["Nordlys"])) == text


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("CPR 010190-1234", "CPR 010190-1234"),
        ("anders@eksempel.dk", "Skriv til anders@eksempel.dk"),
        ("tlf. 12 34 56 78", "Ring på tlf. 12 34 56 78"),
        ("DE89370400440532013000", "IBAN DE89370400440532013000"),
    ],
)
def test_the_allow_list_never_lets_an_identifier_through(entry: str, text: str) -> None:
    assert masked(text, lists(allow=[entry])) != text


def test_a_name_around_an_allowed_word_is_masked() -> None:
    assert masked("Anders Hansen kom.", lists(allow=["Hansen"])) == "Klient_001 kom."


# --- files ---------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "default").mkdir()
    (tmp_path / "README.md").write_text("What these lists are.")
    return tmp_path


def write(folder: Path, content: str | bytes, name: str = "default/projects.txt") -> None:
    """Write a list with a stamp of its own, also where the clock is coarse."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    stamp = time.time_ns() + len(list(folder.rglob("*"))) + hash(content) % 1_000_000
    os.utime(path, ns=(stamp, stamp))


def found_in(read: Dictionaries, text: str) -> bool:
    return bool(read.current.get("default", Dictionary()).find(text))


def test_a_list_has_one_entry_a_line_and_comments(folder: Path) -> None:
    write(folder, "\ufeff# projects\n\n  Nordlys  \r\nGrøn   Bølge\n#Sydlys\n")
    read = Dictionaries(folder)

    assert read.look()
    assert not read.look()
    assert read.remark is None
    assert found_in(read, "Nordlys")
    assert found_in(read, "grøn bølge")
    assert not found_in(read, "Sydlys")


def test_a_change_counts_and_so_does_a_list_that_is_gone(folder: Path) -> None:
    write(folder, "Nordlys")
    read = Dictionaries(folder)
    read.look()
    write(folder, "Sydlys")

    assert read.look()
    assert (found_in(read, "Nordlys"), found_in(read, "Sydlys")) == (False, True)

    (folder / "default/projects.txt").unlink()
    assert read.look()
    assert not found_in(read, "Sydlys")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"Nordlys\nS\xf8lv\n", 2),
        ("x" * (ENTRY_CHARS_MAX + 1), 1),
        ("Nordlys\n\nQ", 3),
        ("# numbers\n12 34 56 78", 2),
    ],
)
def test_a_broken_list_stays_as_it_was_and_the_remark_names_no_entry(
    folder: Path, content: str | bytes, line: int
) -> None:
    write(folder, "Vestlys")
    read = Dictionaries(folder)
    read.look()
    write(folder, content)

    assert not read.look()
    assert found_in(read, "Vestlys")
    assert read.remark is not None
    assert read.remark.startswith(f"{folder}/default/projects.txt, line {line}: ")
    for entry in ("Nordlys", "lv", "xxx", "12 34"):
        assert entry not in read.remark.removeprefix(str(folder))

    assert not read.look()
    assert read.remark, "it is said until it is mended"
    write(folder, "Nordlys")
    assert read.look()
    assert read.remark is None


def test_of_a_list_that_never_was_good_the_good_lines_count(folder: Path) -> None:
    write(folder, b"Nordlys\nS\xf8lv\n")
    read = Dictionaries(folder)

    assert read.look()
    assert read.remark
    assert found_in(read, "Nordlys")


def test_a_list_that_cannot_be_read_stays_as_it_was(folder: Path) -> None:
    write(folder, "Nordlys")
    read = Dictionaries(folder)
    read.look()
    (folder / "default/projects.txt").unlink()
    (folder / "default/projects.txt").mkdir()

    assert not read.look()
    assert "cannot be read: Is a directory" in str(read.remark)
    assert found_in(read, "Nordlys")


def test_a_list_that_is_too_large_is_not_read(folder: Path) -> None:
    (folder / "default/projects.txt").touch()
    os.truncate(folder / "default/projects.txt", FILE_BYTES_MAX + 1)
    read = Dictionaries(folder)

    read.look()

    assert "is larger than" in str(read.remark)


def test_a_folder_that_is_away_changes_nothing(folder: Path) -> None:
    write(folder, "Nordlys")
    read = Dictionaries(folder)
    read.look()
    folder.rename(folder.with_name("elsewhere"))

    assert not read.look()
    assert f"{folder} cannot be read" in str(read.remark)
    assert found_in(read, "Nordlys")


def test_a_name_that_is_misspelt_is_remarked(folder: Path) -> None:
    write(folder, "Nordlys", "default/customers.txt")
    (folder / "North Branch").mkdir()
    (folder / "..data").mkdir()
    read = Dictionaries(folder)

    read.look()

    remark = str(read.remark)
    assert "customers.txt is not read: the lists are persons.txt, companies.txt" in remark
    assert "North Branch is not named like a tenant" in remark
    assert "..data" not in remark


async def test_rules_change_as_a_whole_and_the_remark_comes_and_goes(folder: Path) -> None:
    write(folder, "Nordlys")
    remarks: dict[str, str] = {}
    in_force = InForce(folder, remarks)
    before = in_force.rules

    await in_force.look_at_lists()
    assert not before.dictionaries
    assert in_force.rules.for_tenant("default").dictionary
    assert not in_force.rules.for_tenant("other").dictionary

    write(folder, "x")
    await in_force.look_at_lists()
    assert "line 1" in remarks[REMARK]
    write(folder, "Nordlys")
    await in_force.look_at_lists()
    assert remarks == {}


def test_fifty_thousand_entries_cost_a_text_microseconds() -> None:
    many = lists(persons=[f"Zeb{number:05}x Quist{number:05}x" for number in range(50_000)])
    text = "Kære kundeservice. Vi har modtaget en faktura, som vi ikke kan genkende. " * 14
    rounds = 50

    started = time.perf_counter()
    for _ in range(rounds):
        many.find(text)
    spent_us = (time.perf_counter() - started) / rounds * 1_000_000

    assert many.find(text + "zeb00042x quist00042x")
    assert spent_us < 2_000, "generous: it takes some ten, whatever else runs here"
