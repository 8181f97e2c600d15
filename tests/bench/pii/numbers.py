"""Writes valid numbers where a corpus asks for them: `{cpr:@}`, `{iban:@de}`, `{card:@}`.

Run it once on a corpus that is being written: `python -m tests.bench.pii.numbers FILE`. What is
written stays: a corpus without an `@` is left as it is. The numbers are drawn by chance and belong
to nobody on purpose; only their checksums are right.
"""

import random
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

_ASKED: Final = re.compile(r"\{(\w+):@([\w=+-]*)\}")
_AGAIN: Final = "="


def fill(text: str, chance: random.Random) -> str:
    """Return `text` with a number for each `@`; `@=` repeats the last one of its kind."""
    last: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        kind, variant = match.groups()
        if kind not in WRITERS:  # An address of someone: `{handle:@bo}`.
            return match.group()
        if variant != _AGAIN:
            last[kind] = WRITERS[kind](variant, chance)
        return f"{{{kind}:{last[kind]}}}"

    return _ASKED.sub(number, text)


def luhn(digits: str) -> str:
    """Return the digit that makes `digits` pass the Luhn check."""
    total = sum(
        sum(divmod(int(digit) * (2 if at % 2 == 0 else 1), 10))
        for at, digit in enumerate(reversed(digits))
    )
    return str(-total % 10)


def _digits(chance: random.Random, count: int) -> str:
    return str(chance.randrange(1, 10)) + "".join(
        str(chance.randrange(10)) for _ in range(count - 1)
    )


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def _day(chance: random.Random, *, days_added: int = 0) -> tuple[str, str, str]:
    return (
        f"{chance.randrange(1, 29) + days_added:02}",
        f"{chance.randrange(1, 13):02}",
        f"{chance.randrange(40, 100):02}",
    )


def _until(draw: Callable[[], str], is_right: Callable[[str], bool]) -> str:
    while not is_right(number := draw()):
        pass
    return number


# --- national numbers --------------------------------------------------------------------------

_CPR_WEIGHTS: Final = (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)


def _cpr(variant: str, chance: random.Random) -> str:
    """Write a CPR number; `x`: one that fails modulus 11, as numbers given since 2007 may."""
    number = _until(
        lambda: "".join(_day(chance)) + f"{chance.randrange(1, 4000):04}",
        lambda number: (_weighted(number, _CPR_WEIGHTS) % 11 == 0) is ("x" not in variant),
    )
    return number if "c" in variant else f"{number[:6]}-{number[6:]}"


def _fodselsnummer(variant: str, chance: random.Random) -> str:
    """Write a fødselsnummer; `d`: a D-number; `s`: with a blank after the birth date."""

    def draw() -> str:
        day = "".join(_day(chance, days_added=40 if "d" in variant else 0))
        start = f"{day}{chance.randrange(500):03}"
        first = -_weighted(start, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
        second = -_weighted(f"{start}{first}"[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
        return f"{start}{first}{second}"

    number = _until(draw, lambda number: len(number) == 11)
    return f"{number[:6]} {number[6:]}" if "s" in variant else number


def _personnummer(variant: str, chance: random.Random) -> str:
    """Write a personnummer; `s`: a samordningsnummer; `12`: with century; `c`: no dash."""
    day, month, year = _day(chance, days_added=60 if "s" in variant else 0)
    start = f"{year}{month}{day}{chance.randrange(1, 1000):03}"
    number = start + luhn(start)
    dash = "" if "c" in variant else "-"
    return ("19" if "12" in variant else "") + f"{number[:6]}{dash}{number[6:]}"


def _steuer_id(variant: str, chance: random.Random) -> str:
    """Write a Steuer-ID: ten digits of which one stands twice, and a check digit."""
    drawn = _until(
        lambda: "".join(map(str, chance.sample(range(10), 9))),
        lambda drawn: drawn[0] != "0",
    )
    at = chance.randrange(2, 9)
    digits = drawn[:at] + drawn[chance.randrange(at - 1)] + drawn[at:]
    rest = 10
    for digit in digits:
        rest = ((int(digit) + rest) % 10 or 10) * 2 % 11
    number = f"{digits}{(11 - rest) % 10}"
    if "s" not in variant:
        return number
    return f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}"


def _sozialversicherungsnummer(variant: str, chance: random.Random) -> str:
    area, letter = chance.randrange(2, 79), chance.choice("ABCDEFGHKLMRSTW")
    start = f"{area:02}{''.join(_day(chance))}"
    serial = f"{chance.randrange(100):02}"
    digits = f"{start}{ord(letter) - 64:02}{serial}"
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    check = sum(
        sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(digits, weights, strict=True)
    )
    if "c" in variant:
        return f"{start}{letter}{serial}{check % 10}"
    return f"{start[:2]} {start[2:]} {letter} {serial}{check % 10}"


def _kvnr(variant: str, chance: random.Random) -> str:
    letter, digits = chance.choice("ABCDEFGHKLMRSTUVWXYZ"), _digits(chance, 8)
    total = sum(
        sum(divmod(int(digit) * (2 if at % 2 else 1), 10))
        for at, digit in enumerate(f"{ord(letter) - 64:02}{digits}")
    )
    return f"{letter}{digits}{total % 10}"


# --- accounts and cards ------------------------------------------------------------------------


def _norwegian_account(chance: random.Random) -> str:
    def draw() -> str:
        start = _digits(chance, 10)
        return f"{start}{-_weighted(start, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11}"

    return _until(draw, lambda number: len(number) == 11)


def _account(variant: str, chance: random.Random) -> str:
    """Write a Norwegian account number, or with `bg` a Swedish bankgiro number."""
    if variant == "bg":
        start = _digits(chance, 7)
        return f"{start[:4]}-{start[4:]}{luhn(start)}"
    number = _norwegian_account(chance)
    if "s" in variant:
        return f"{number[:4]} {number[4:6]} {number[6:]}"
    return number if "c" in variant else f"{number[:4]}.{number[4:6]}.{number[6:]}"


_IBAN_DIGITS: Final = {"da": ("DK", 14), "sv": ("SE", 20), "de": ("DE", 18), "fi": ("FI", 14)}


def _iban(variant: str, chance: random.Random) -> str:
    """Write an IBAN of the land that `variant` begins with; a `c` after it: without blanks."""
    land = variant[:2]
    if land == "no":
        country, rest = "NO", _norwegian_account(chance)
    elif land == "en":
        country, rest = "GB", chance.choice(("NWBK", "BARC", "LOYD")) + _digits(chance, 14)
    else:
        country, count = _IBAN_DIGITS[land]
        rest = _digits(chance, count)
    spelled = "".join(str(int(sign, 36)) for sign in f"{rest}{country}00")
    number = f"{country}{98 - int(spelled) % 97:02}{rest}"
    if variant.endswith("c"):
        return number
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def _card(variant: str, chance: random.Random) -> str:
    start = chance.choice(("4571", "5413", "4925", "5290")) + _digits(chance, 11)
    number = start + luhn(start)
    joint = {"c": "", "d": "-"}.get(variant, " ")
    return joint.join(number[at : at + 4] for at in range(0, 16, 4))


WRITERS: Final[dict[str, Callable[[str, random.Random], str]]] = {
    "cpr": _cpr,
    "fodselsnummer": _fodselsnummer,
    "personnummer": _personnummer,
    "steuer_id": _steuer_id,
    "sozialversicherungsnummer": _sozialversicherungsnummer,
    "kvnr": _kvnr,
    "account": _account,
    "iban": _iban,
    "card": _card,
}


def main() -> None:
    for name in sys.argv[1:]:
        path = Path(name)
        filled = fill(path.read_text(encoding="utf-8"), random.Random(path.name))
        path.write_text(filled, encoding="utf-8")


if __name__ == "__main__":
    main()
