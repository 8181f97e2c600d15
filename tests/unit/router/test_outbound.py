"""What must never leave, and what only looks like it."""

import orjson
import pytest

from services.router.outbound import LeakFoundError, cleared
from services.router.providers.base import Outgoing


def body_with(text: str) -> bytes:
    return orjson.dumps({"model": "m", "messages": [{"role": "user", "content": text}]})


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("cpr", "Anders Hansen, CPR 070761-4285"),
        ("cpr", "Vedr. 0707614285"),
        ("cpr", "Nummeret er:\n0707614285"),
        ("cpr", "070761 4285"),
        ("cpr", "ordre 4711 for cpr 0707614285"),
        ("fodselsnummer", "fnr 01010750160"),
        ("fodselsnummer", "Kari Nordmann (010107 50160)"),
        ("fodselsnummer", "41010700130"),
        ("personnummer", "Född 19850709-9805 i Lund"),
        ("personnummer", "850709-9805"),
        ("personnummer", "19121212+1212"),
        ("card", "4111 1111 1111 1111"),
        ("card", "5500-0000-0000-0004."),
        ("card", "3400 000000 00009"),
        ("card", "4111111111111111"),
        ("iban", "DK50 0040 0440 1162 43."),
        ("iban", "Kontoen er NO9386011117947"),
        ("iban", "Bitte auf DE89 3704 0044 0532 0130 00 überweisen"),
        ("iban", "første\nGB29 NWBK 6016 1331 9268 19 MED"),
        ("iban", "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000"),
    ],
)
def test_a_checksummed_identifier_does_not_leave(kind: str, text: str) -> None:
    with pytest.raises(LeakFoundError) as found:
        cleared(Outgoing("/chat", body_with(text)))

    assert found.value.kind == kind
    assert not any(sign.isdigit() for sign in str(found.value))


@pytest.mark.parametrize(
    "text",
    [
        "Kære Klient_001, dit Id_002 er registreret på Konto_003.",
        "Ordrenummer 4111111111111111",
        "ordre 0707614285",
        "Order 850709-9805",
        "Referanse 01010750160",
        "EAN 4006381333931",
        "8507099805",
        "Fakturaen på 1234567890 kr. forfalder 2026-11-24",
        "010190-1234",  # no date of birth with a valid check digit
        "410 520 630 740 850",
        "Model DE89370400440532013001",
        "DK50 0040 0440 1162 44",
        "6f0a325e-0707614285-aa",
    ],
)
def test_what_only_looks_like_one_leaves(text: str) -> None:
    asked = Outgoing("/chat", body_with(text))

    assert cleared(asked) is asked


def test_a_number_is_found_wherever_it_stands_in_a_long_list() -> None:
    numbers = [f"{100_000 + number}-{1_000 + number}" for number in range(200)]
    numbers.insert(137, "070761-4285")

    with pytest.raises(LeakFoundError):
        cleared(Outgoing("/chat", body_with(" ".join(numbers))))
