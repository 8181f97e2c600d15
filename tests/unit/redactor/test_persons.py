"""Who is who: all forms of a name are one person, and different persons are never one."""

import pytest

from tests.unit.redactor.masking import mask, masked


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Anders Hansen. Hr. Hansen.", "Klient_001. Hr. Klient_001."),
        ("Anders Hansen og Hansens sag", "Klient_001 og Klient_001s sag"),
        ("Anders Hansen, Hansen's sag", "Klient_001, Klient_001's sag"),
        ("Anders Hansen / Hansen, Anders", "Klient_001 / Klient_001"),
        ("Anders Hansen. Skriv til Hansen, Anders.", "Klient_001. Skriv til Klient_001."),
        ("Anders Hansen. A. Hansen kom.", "Klient_001. Klient_001 kom."),
        ("ANDERS HANSEN er Anders Hansen", "Klient_001 er Klient_001"),
        ("Anders Hansen, altså anders hansen", "Klient_001, altså Klient_001"),
        ("Anders Bo Hansen er Anders Hansen", "Klient_001 er Klient_001"),
        ("Hej Anders. Mvh Anders Hansen", "Hej Klient_001. Mvh Klient_001"),
        ("Xenia Brixholm: brixholm? Brixholm!", "Klient_001: brixholm? Klient_001!"),
    ],
)
def test_all_forms_of_a_name_share_a_placeholder(text: str, seen: str) -> None:
    assert masked(text, "da") == seen


@pytest.mark.parametrize(
    "text",
    [
        "Anders Hansen og Karen Hansen",
        "Anders Hansen og Anders Holm",
        "Anders Bo Hansen og Anders Carl Hansen",
    ],
)
def test_two_persons_never_share_one(text: str) -> None:
    assert masked(text, "da") == "Klient_001 og Klient_002"


def test_a_lone_surname_is_whoever_of_that_name_was_mentioned_last() -> None:
    text = "Anders Hansen skrev. Karen Hansen svarede. Hansen var tilfreds."

    assert masked(text, "da").endswith("Klient_002 var tilfreds.")


def test_a_lone_surname_before_all_others_is_the_first_to_come() -> None:
    text = "Hr. Hansen kom. Anders Hansen og Karen Hansen gik."

    assert masked(text, "da") == "Hr. Klient_001 kom. Klient_001 og Klient_002 gik."


def test_a_person_keeps_the_placeholder_over_all_texts_of_a_request() -> None:
    found = mask("Du hjælper Anders Hansen.", "Skriv til Hansen og Bo Holm.", "hej Anders")

    assert found.texts == (
        "Du hjælper Klient_001.",
        "Skriv til Klient_001 og Klient_002.",
        "hej Klient_001",
    )


def test_a_rare_name_is_known_without_its_genitive() -> None:
    assert masked("Hr. Brixholms svar. Hr. Brixholm kom.", "da") == (
        "Hr. Klient_001s svar. Hr. Klient_001 kom."
    )


def test_a_company_named_after_a_person_is_not_that_person() -> None:
    found = mask("Peter Hansen ejer Hansen A/S.", language="da")

    assert found.texts[0] == "Klient_001 ejer Firma_001."
    assert found.mapping.get("Firma_001") is not None


def test_a_company_alone_stays_readable() -> None:
    assert masked("Hansen A/S og Müller GmbH", "da") == "Hansen A/S og Müller GmbH"


def test_the_fullest_form_is_what_comes_back() -> None:
    found = mask("A. Hansen. ANDERS HANSEN. Anders Hansen. Hansen, Anders.", language="da")

    entry = found.mapping.get("Klient_001")
    assert entry is not None
    assert entry.value == "Anders Hansen"


def test_a_name_broken_over_two_lines_is_one_name() -> None:
    text = "Vi har i dag talt længe om sagen med både naboen og med Anders\nHansen, som er enig."

    found = mask(text, language="da")

    entry = found.mapping.get("Klient_001")
    assert entry is not None
    assert entry.value == "Anders Hansen"
