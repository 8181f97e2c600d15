"""How far a text may travel, why, and who may change that."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.redactor.classification import Classified, classify
from services.redactor.dictionaries import Dictionary, entries_of
from services.redactor.domain import Find
from services.redactor.kinds import PROJECT
from services.redactor.policy import Rules
from shared.contracts.masking import MaskingPolicy, Override
from shared.contracts.requests import Message, Part, PartKind, RequestSubmitted, Role
from shared.contracts.values import Sensitivity, new_id
from tests.unit.redactor import levels
from tests.unit.redactor.levels import CONFIDENTIAL, PERSONAL, PUBLIC, SAMPLES, SPECIAL
from tests.unit.redactor.masking import masker

TODAY = date(2026, 11, 24)
LISTS = Dictionary(entries_of({PROJECT: [levels.PROJECT]}))
CASES = [
    pytest.param(level, language, text, reason, id=f"{level}-{language}-{number}")
    for level, languages in SAMPLES.items()
    for language, texts in languages.items()
    for number, (text, reason) in enumerate(texts)
]


def asked(
    text: str, stated: Sensitivity | None = None, parts: tuple[Part, ...] = ()
) -> RequestSubmitted:
    return RequestSubmitted(
        request_id=new_id(),
        tenant="default",
        app="crm",
        use_case="letters",
        messages=(Message(role=Role.USER, content=text, parts=parts),),
        sensitivity=stated,
    )


def judged(
    text: str = "",
    stated: Sensitivity | None = None,
    policy: MaskingPolicy | None = None,
    parts: tuple[Part, ...] = (),
    language: str | None = None,
) -> Classified:
    """Return the judgement of a request with one text."""
    event = asked(text, stated, parts)
    rules = Rules(policy=policy or MaskingPolicy(), dictionary=LISTS)
    return classify(masker().mask([text], language, rules), event, rules, TODAY)


@pytest.mark.parametrize("language", [None, "its own"])
@pytest.mark.parametrize(("level", "spoken", "text", "reason"), CASES)
def test_a_sample_gets_its_level_and_its_reason(
    level: Sensitivity, spoken: str, text: str, reason: str, language: str | None
) -> None:
    found = judged(text, language=language and spoken)

    assert found.sensitivity is level, found.account.reasons
    assert not reason or reason in found.account.reasons


def test_there_are_five_samples_for_every_level_and_language() -> None:
    assert set(SAMPLES) == set(Sensitivity)
    for languages in SAMPLES.values():
        assert set(languages) == {"da", "nb", "nn", "sv", "de", "en"}
        assert min(map(len, languages.values())) >= 5


@pytest.mark.parametrize(
    ("stated", "level", "reasons"),
    [
        (None, PERSONAL, ("person",)),
        (PUBLIC, PERSONAL, ("person",)),
        (SPECIAL, SPECIAL, ("person", "stated")),
    ],
)
def test_a_caller_may_raise_the_level_but_never_lower_it(
    stated: Sensitivity | None, level: Sensitivity, reasons: tuple[str, ...]
) -> None:
    found = judged("Kære Bo Holm", stated)

    assert found.sensitivity is level
    assert (found.account.detected, found.account.stated) == (PERSONAL, stated)
    assert found.account.reasons == reasons


@pytest.mark.parametrize(
    ("kind", "level", "topic"),
    [
        ("secret", SPECIAL, False),
        ("passport", SPECIAL, True),
        ("licence_plate", PERSONAL, True),
        ("company", CONFIDENTIAL, False),
        ("kind_of_a_plug_in", PERSONAL, True),
        ("literal", PUBLIC, False),
    ],
)
def test_each_kind_makes_its_level_and_some_make_somebody_known(
    kind: str, level: Sensitivity, *, topic: bool
) -> None:
    def types(text: str) -> Classified:
        # Only what classification reads: whether it is found is the recognisers' own test.
        found = replace(masker().mask([text]), finds=((Find(0, 1, kind, "X_001", 1.0, "", ""),),))
        return classify(found, asked(text), Rules(), TODAY)

    assert types("Hej").sensitivity is level
    assert ("health" in types("Hun har diabetes").account.reasons) is topic


# --- overrides -----------------------------------------------------------------------------------


def overriding(**changes: object) -> MaskingPolicy:
    stated = {"app": "crm", "to": PUBLIC, "reason": "invented-people", "until": TODAY}
    return MaskingPolicy(overrides=(Override.model_validate(stated | changes),))


def test_an_override_lowers_the_level_and_is_recorded() -> None:
    found = judged("Kære Bo Holm", policy=overriding())

    assert found.sensitivity is PUBLIC
    assert (found.account.detected, found.account.override) == (PERSONAL, "invented-people")


@pytest.mark.parametrize(
    "changes",
    [
        {"until": TODAY - timedelta(days=1)},
        {"app": "hr"},
        {"use_case": "summaries"},
        {"to": SPECIAL},
    ],
)
def test_an_override_that_is_over_or_for_others_or_raises_does_nothing(
    changes: dict[str, object],
) -> None:
    found = judged("Kære Bo Holm", policy=overriding(**changes))

    assert (found.sensitivity, found.account.override) == (PERSONAL, None)


def test_an_override_does_not_lower_what_the_caller_stated() -> None:
    found = judged("Kære Bo Holm", SPECIAL, overriding())
    assert (found.sensitivity, found.account.override) == (SPECIAL, None)

    found = judged("Kære Bo Holm", CONFIDENTIAL, overriding())
    assert (found.sensitivity, found.account.override) == (CONFIDENTIAL, "invented-people")


def test_an_override_for_the_use_case_goes_before_the_apps() -> None:
    app = overriding().overrides
    use_case = overriding(use_case="letters", to=CONFIDENTIAL, reason="test-letters").overrides

    found = judged("Kære Bo Holm", policy=MaskingPolicy(overrides=app + use_case))

    assert (found.sensitivity, found.account.override) == (CONFIDENTIAL, "test-letters")


# --- what nobody can mask ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (PartKind.IMAGE, "image"),
        (PartKind.AUDIO, "audio"),
        (PartKind.FILE, "file"),
        (PartKind.OTHER, "unknown_part"),
    ],
)
def test_a_part_that_is_no_text_is_what_the_policy_says_of_media(
    kind: PartKind, reason: str
) -> None:
    parts = (Part(kind=PartKind.TEXT, text="Hej"), Part(kind=kind, data="AAAA"))

    found = judged(parts=parts)
    assert (found.sensitivity, found.account.reasons) == (SPECIAL, (reason,))

    lowered = judged(parts=parts, policy=MaskingPolicy(media=Sensitivity.INTERNAL))
    assert lowered.sensitivity is Sensitivity.INTERNAL


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Se data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==", "image"),
        ("Hør data:audio/wav;base64,UklGRiQAAABXQVZF", "audio"),
        ("Læs data:application/pdf;base64,JVBERi0xLjQK", "file"),
        ("Her er filen: " + "iVBORw0KGgoAAAANSUhEUg" * 20, "file"),
    ],
)
def test_a_file_within_a_text_is_media_too(text: str, reason: str) -> None:
    found = judged(text)
    assert found.sensitivity is SPECIAL
    assert reason in found.account.reasons


@pytest.mark.parametrize("text", ["=" * 400, "Ab1" * 60, "a1b2c3d4" * 40, "en lang linje " * 40])
def test_a_drawn_line_a_hash_or_a_long_text_is_no_file(text: str) -> None:
    assert "file" not in judged(text).account.reasons


def test_the_word_of_a_placeholder_is_no_reason() -> None:
    assert judged("Patient_001 og Bo Holm").sensitivity is PERSONAL
    assert judged("PATIENT-7Q3 og Bo Holm").sensitivity is PERSONAL


def test_a_topic_that_hides_behind_invisible_signs_is_read() -> None:
    assert judged("Bo Holm har dia\u200bbetes").sensitivity is SPECIAL
