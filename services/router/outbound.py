"""The last look at what leaves: a request that still holds a checksummed identifier does not.

The redactor has masked everything that it recognised, in its own process and by its own rules.
This scan knows nothing of those; it looks at the bytes for a provider and fails closed. It is a
second net, not a second redactor: names and addresses have no checksum.
"""

import re
from collections.abc import Iterator
from typing import Final

from services.router.providers.base import ClearedRequest, Outgoing

_CONTEXT_BYTES: Final = 40
_DAYS: Final = 31
_MONTHS: Final = 12
_ADDED_TO_DAY: Final = (0, 40, 60)
_ADDED_TO_MONTH: Final = 40
_GAP: Final = rb"(?:[ -]|\xc2\xa0|\xe2\x80[\x90-\x93\xaf])"
_NUMBER: Final = re.compile(
    # In JSON a line break before a number is written as a letter.
    rb"""
    (?: (?<![\w-]) | (?<=\\[nrtbf]) )
    (?: (?P<card>
            [3-6][0-9]{3} (?P<fours>GAP?) [0-9]{4} (?P=fours) [0-9]{4} (?P=fours) [0-9]{1,7}
          | 3[47][0-9]{2} (?P<amex>GAP?) [0-9]{6} (?P=amex) [0-9]{5} )
      | (?P<fodselsnummer> [0-9]{6} GAP? (?: [0-9]{5} | [0-9]{3} GAP [0-9]{2} ) )
      | (?P<ten> [0-9]{6} GAP? [0-9]{4} )
      | (?P<personnummer> (?: 18 | 19 | 20 )? [0-9]{6} (?: \+ | GAP ) [0-9]{4} )
    )
    (?![\w-])
    """.replace(b"GAP", _GAP.replace(b" ", rb"\x20")),
    re.VERBOSE,
)
# Both searches begin with a digit, which text has few of; where a number really begins is looked
# at only then. Written the other way round the scan took three times as long.
_DIGITS: Final = re.compile(rb"[0-9]{2}[0-9+ \x80-\xe2-]{8,}")
_IBAN: Final = re.compile(
    rb"[0-9]{2}(?<=[A-Za-z]{2}[0-9]{2})(?=GAP?[A-Za-z0-9])".replace(b"GAP", _GAP)
)
_IBAN_HEAD_BYTES: Final = 4
_IBAN_CHARACTER: Final = re.compile(_GAP + rb"?([A-Za-z0-9])")
# ISO 13616; a word that only begins like an account has no length here.
_IBAN_LENGTHS: Final = {
    "AD": 24, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
    "EE": 20, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GL": 18, "GR": 27, "HR": 21,
    "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27,
    "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24,
    "TR": 26, "UA": 29,
}  # fmt: skip

# Whose number is it? A tenth of all numbers have a valid check digit, and an order must not be
# refused for that: the redactor leaves such numbers alone for the same reason. The last of these
# words before a number decides.
_CONTEXT: Final = re.compile(
    rb"(?P<thing>order|ordre|bestil|best\xc3\xa4ll|bestell|auftrag|faktura|invoice|rechnung|vare"
    rb"|artikel|produkt|product|item|referen|referan|\bref\.|forsend|f\xc3\xb6rs\xc3\xa4nd|sendung"
    rb"|shipment|pakke|parcel|sporing|tracking|lieferschein|leverand|sagsn|sags-n|saksn"
    rb"|\xc3\xa4renden|journaln|vorgang|aktenzeichen|kassenzeichen|case n|ticket|booking|kunden"
    rb"|kundn|aftalen|avtalen|vertrag|policen|serien|serial|modeln|part n|charge|versionsn|cvr"
    rb"|orgn|\borg\.|\bean|\bgln|\bisbn)"
    rb"|(?P<person>cpr|person|civilregist|f\xc3\xb8dse?l|f\xc3\xb8dt|f\xc3\xb6dd|fnr|pnr|d-n|iban"
    rb"|kort|card|visa|karte)",
    re.IGNORECASE,
)


class LeakFoundError(Exception):
    """Something that looks like a person's number is about to leave; `kind` says which."""

    def __init__(self, kind: str) -> None:
        """Keep the kind, never the number."""
        super().__init__(kind)
        self.kind = kind


def cleared(request: Outgoing) -> ClearedRequest:
    """Return a request as fit to leave; raise `LeakFoundError` if it is not."""
    body = request.body
    for kind, start in _found(body):
        if not _is_of_a_thing(body[max(0, start - _CONTEXT_BYTES) : start]):
            raise LeakFoundError(kind)
    return ClearedRequest(request)


def _found(body: bytes) -> Iterator[tuple[str, int]]:
    """Yield kind and place of each number with a valid checksum."""
    for digits in _DIGITS.finditer(body):
        for match in _NUMBER.finditer(body, digits.start(), digits.end() + 1):
            kind = _kind_of(match)
            if kind is not None:
                yield kind, match.start()
    for match in _IBAN.finditer(body):
        start = match.end() - _IBAN_HEAD_BYTES
        if _begins_at(body, start) and _is_iban(body, start):
            yield "iban", start


def _is_of_a_thing(before: bytes) -> bool:
    last = None
    for last in _CONTEXT.finditer(before):  # noqa: B007 -- only the last one counts
        pass
    return last is not None and last["thing"] is not None


def _kind_of(match: re.Match[bytes]) -> str | None:
    digits = [int(sign) for sign in match.group().decode() if sign in "0123456789"]
    if match["card"] is not None:
        return "card" if _luhn(digits) else None
    if match["fodselsnummer"] is not None:
        return "fodselsnummer" if _is_fodselsnummer(digits) else None
    if match["ten"] is not None and _is_cpr(digits):
        return "cpr"
    # Ten digits in a row are too common to be a personnummer by their check digit alone.
    written_as_one = match["personnummer"] is not None or len(match.group()) > len(digits)
    return "personnummer" if written_as_one and _is_personnummer(digits[-10:]) else None


def _is_cpr(digits: list[int]) -> bool:
    weights = (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
    return _is_date(digits[0:2], digits[2:4]) and _weighted(digits, weights) % 11 == 0


def _is_fodselsnummer(digits: list[int]) -> bool:
    return (
        _is_date(digits[0:2], digits[2:4])
        and _weighted(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11 == 0
        and _weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
    )


def _is_personnummer(digits: list[int]) -> bool:
    return _is_date(digits[4:6], digits[2:4]) and _luhn(digits)


def _is_date(day: list[int], month: list[int]) -> bool:
    """Return whether two pairs of digits can be a day and a month.

    Numbers for people who are in no register, and those for tests, have something added to one.
    """
    number = day[0] * 10 + day[1], (month[0] * 10 + month[1]) % _ADDED_TO_MONTH
    in_range = any(1 <= number[0] - added <= _DAYS for added in _ADDED_TO_DAY)
    return in_range and 1 <= number[1] <= _MONTHS


def _weighted(digits: list[int], weights: tuple[int, ...]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def _luhn(digits: list[int]) -> bool:
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _begins_at(body: bytes, start: int) -> bool:
    """Return whether a word begins there; in JSON a line break before it is written as a letter."""
    before = body[max(0, start - 2) : start]
    return not before[-1:].isalnum() or (before[:1] == b"\\" and before[1:] in b"nrtbf")


def _is_iban(body: bytes, start: int) -> bool:
    number, at = body[start : start + _IBAN_HEAD_BYTES].decode().upper(), start + _IBAN_HEAD_BYTES
    length = _IBAN_LENGTHS.get(number[:2], 0)
    while len(number) < length:
        found = _IBAN_CHARACTER.match(body, at)
        if found is None:
            return False
        number, at = number + found[1].decode(), found.end()
    if not length or body[at : at + 1].isalnum():
        return False
    return int("".join(str(int(sign, 36)) for sign in number[4:] + number[:4])) % 97 == 1
