"""How placeholders are named: two styles, and words that the policy states by kind and language."""

from hashlib import sha256

import pytest

from services.redactor.kinds import KINDS
from services.redactor.labels import CODE_CHARS, TRANSLATED, Naming, compact
from services.redactor.placeholders import Known, Mapping
from shared.contracts.masking import MaskingPolicy, Style
from shared.contracts.values import Language

COMPACT = Naming(Style.COMPACT)
SALT = sha256(b"a case").digest()


def _policy(style: Style = Style.NUMBERED) -> MaskingPolicy:
    words = {Language.DANISH: "Kunde", Language.GERMAN: "Mandant"}
    return MaskingPolicy(style=style, labels={"person": words})


@pytest.mark.parametrize(
    ("language", "code"), [("da", "Kunde_001"), ("de", "Mandant_001"), ("sv", "Klient_001")]
)
def test_the_policy_states_words_by_language(language: str, code: str) -> None:
    mapping = Mapping(language, Naming.of(_policy(), language))

    assert mapping.add("person", "Bo Holm") == code
    assert mapping.add("iban", "DK95 2000 0123 4567 89") == "Konto_001"


def test_a_kind_of_a_third_party_can_have_a_word() -> None:
    policy = MaskingPolicy(labels={"badge": {Language.ENGLISH: "Badge"}})
    mapping = Mapping("en", Naming.of(policy, "en"))

    assert [mapping.add("badge", "x1"), mapping.add("locker", "x2")] == ["Badge_001", "Data_001"]


def test_kinds_with_one_word_are_counted_together_whatever_its_case() -> None:
    policy = MaskingPolicy(labels={"person": {Language.DANISH: "KONTO"}})
    mapping = Mapping("da", Naming.of(policy, "da"))

    codes = [mapping.add("person", "Bo Holm"), mapping.add("account", "1234 5678901")]

    assert [code.casefold() for code in codes] == ["konto_001", "konto_002"]


def test_a_compact_placeholder_is_a_word_and_three_characters() -> None:
    mapping = Mapping("da", COMPACT, salt=SALT)

    word, hyphen, code = mapping.add("person", "Bo Holm").partition("-")

    assert (word, hyphen, len(code)) == ("PERSON", "-", 3)
    assert code[0].isdigit()
    assert set(code) <= set(CODE_CHARS)
    assert "S" not in CODE_CHARS


def test_the_policy_states_words_of_the_compact_style_too() -> None:
    mapping = Mapping("de", Naming.of(_policy(Style.COMPACT), "de"), salt=SALT)

    assert mapping.add("person", "Bo Holm").startswith("MANDANT-")


def test_a_compact_placeholder_follows_from_salt_and_value_alone() -> None:
    first, again = (Mapping("da", COMPACT, salt=SALT) for _ in range(2))
    elsewhere = Mapping("da", COMPACT, salt=b"another case")
    again.add("person", "Eva Dam")

    assert first.add("person", "Bo Holm") == again.add("person", "bo holm")
    assert first.add("person", "Bo Holm") != elsewhere.add("person", "Bo Holm")


def test_compact_placeholders_never_collide_and_get_longer_when_it_gets_crowded() -> None:
    mapping = Mapping("da", COMPACT, salt=SALT)

    codes = [mapping.add("person", f"Person Nummer{number}") for number in range(3000)]

    assert len(set(codes)) == 3000
    assert {len(code.partition("-")[2]) for code in codes} == {3, 4}


def test_a_compact_placeholder_that_is_taken_gives_way() -> None:
    taken = compact("PERSON", SALT, "x", 1, lambda _: False)

    assert compact("PERSON", SALT, "x", 1, {taken}.__contains__) != taken


def test_another_style_leaves_known_placeholders_as_they_are() -> None:
    known = Known("Klient_001", "person", "Bo Holm", "Bo Holm")
    mapping = Mapping("da", COMPACT, known=[known], last={"Klient": 1}, salt=SALT)

    assert mapping.add("person", "Bo Holm") == "Klient_001"
    assert mapping.add("person", "Eva Dam").startswith("PERSON-")


def test_no_translation_is_the_shipped_word_of_another_kind() -> None:
    labels = {kind.label.casefold(): kind.label for kind in KINDS.values()}

    assert {word: labels.get(word, label) for word, label in TRANSLATED.items()} == TRANSLATED
