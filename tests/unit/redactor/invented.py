"""Invented numbers of each kind, in the spellings that people give them, and texts to hold them."""

import random
from collections.abc import Callable

CHECKED_RECALL_MIN = 0.995
RECALL_MIN = 0.97
FNR_WEIGHTS = ((3, 7, 6, 1, 8, 9, 4, 5, 2), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2))
MONTHS = ("januar", "mars", "Mai", "juni", "August", "oktober", "December")
NAMES = ("anna", "bo", "signe", "karin", "ole")
SURNAMES = ("hansen", "lind", "berg", "dahl", "holm")


def _date(dice: random.Random) -> tuple[int, int, int]:
    return dice.randint(1, 28), dice.randint(1, 12), dice.randint(30, 99)


def _digits(dice: random.Random, count: int) -> str:
    return "".join(str(dice.randint(0, 9)) for _ in range(count))


def _cpr(dice: random.Random) -> str:
    day, month, year = _date(dice)
    separator = dice.choice(("-", " - ", "-\n"))
    return f"{day + dice.choice((0, 0, 60)):02}{month:02}{year}{separator}{_digits(dice, 4)}"


def _fodselsnummer(dice: random.Random) -> str:
    while True:
        day, month, year = _date(dice)
        digits = f"{day + dice.choice((0, 40)):02}{month + dice.choice((0, 40, 80)):02}{year}"
        digits += _digits(dice, 3)
        for weights in FNR_WEIGHTS:
            total = sum(int(a) * b for a, b in zip(digits, weights, strict=False))
            digits += str(-total % 11)
        if len(digits) == 11:
            return digits[:6] + dice.choice(("", " ", "-")) + digits[6:]


def _luhn(digits: str) -> str:
    doubled = [int(one) * (2 - at % 2) for at, one in enumerate(reversed(digits))]
    return digits + str(-sum(sum(divmod(one, 10)) for one in doubled) % 10)


def _personnummer(dice: random.Random) -> str:
    day, month, year = _date(dice)
    digits = _luhn(f"{year}{month:02}{day + dice.choice((0, 60)):02}{_digits(dice, 3)}")
    century, separator = dice.choice((("", "-"), ("19", "-"), ("19", ""), ("", "+")))
    return century + digits[:6] + separator + digits[6:]


def _card(dice: random.Random) -> str:
    digits = _luhn(dice.choice(("4", "51", "55")).ljust(6, "1") + _digits(dice, 9))
    sign = dice.choice(("", " ", "-"))
    return sign.join(digits[at : at + 4] for at in range(0, 16, 4))


def _iban(dice: random.Random) -> str:
    country, count = dice.choice((("DK", 14), ("NO", 11), ("SE", 20), ("DE", 18)))
    digits = _digits(dice, count)
    moved = digits + "".join(str(ord(one) - 55) for one in country) + "00"
    whole = f"{country}{98 - int(moved) % 97:02}{digits}"
    whole = dice.choice((whole, whole.lower()))
    sign = dice.choice(("", " ", "\u00a0"))
    return sign.join(whole[at : at + 4] for at in range(0, len(whole), 4))


def _phone(dice: random.Random) -> str:
    n = _digits
    return dice.choice(
        (
            f"+45 2{n(dice, 1)} {n(dice, 2)} {n(dice, 2)} {n(dice, 2)}",
            f"2{n(dice, 7)}",
            f"9{n(dice, 2)} {n(dice, 2)} {n(dice, 3)}",
            f"070-{n(dice, 3)} {n(dice, 2)} {n(dice, 2)}",
            f"0151 {n(dice, 8)}",
            f"030/{n(dice, 7)}",
            f"+49 (0)30 {n(dice, 7)}",
            f"07700 900{n(dice, 3)}",
            f"+44 20 7946 0{n(dice, 3)}",
        )
    )


def _account(dice: random.Random) -> str:
    n = _digits
    return dice.choice((f"{n(dice, 4)}-{n(dice, 10)}", f"{n(dice, 4)} {n(dice, 8)}", n(dice, 10)))


def _email(dice: random.Random) -> str:
    sign = dice.choice(("@", "(at)", " [at] "))
    return f"anna.lind{_digits(dice, 2)}{sign}eksempel.{dice.choice(('dk', 'no', 'se', 'de'))}"


def _kvnr(dice: random.Random) -> str:
    letter, digits = dice.choice("ABCDEFGHKMPSTZ"), _digits(dice, 8)
    numbers = [int(one) for one in f"{ord(letter) - 64:02}{digits}"]
    check = sum(sum(divmod(one * (1 + at % 2), 10)) for at, one in enumerate(numbers)) % 10
    return _grouped(dice, f"{letter}{digits}{check}", (1, 3, 3, 3))


def _sozialversicherungsnummer(dice: random.Random) -> str:
    day, month, year = _date(dice)
    letter = dice.choice("ABDEFGHKLMNPRSTWZ")
    start = f"{dice.choice((2, 12, 17, 52, 65)):02}{day:02}{month:02}{year:02}"
    serial = _digits(dice, 2)
    numbers = [int(one) for one in f"{start}{ord(letter) - 64:02}{serial}"]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(divmod(a * b, 10)) for a, b in zip(numbers, weights, strict=True))
    return _grouped(dice, f"{start}{letter}{serial}{total % 10}", (2, 6, 1, 3))


def _steuer_id(dice: random.Random) -> str:
    """Return one of ten digits of which one stands twice and one is missing, and the check."""
    order = dice.sample("0123456789", 10)
    order[dice.randint(1, 8)] = order[9]
    if order[0] == "0":
        order[0], order[1] = order[1], order[0]
    if "".join(order).startswith("0"):
        return _steuer_id(dice)
    product = 10
    for one in order:
        total = (int(one) + product) % 10 or 10
        product = 2 * total % 11
    digits = "".join(order) + str((11 - product) % 10)
    return _grouped(dice, digits, (2, 3, 3, 3))


def _grouped(dice: random.Random, whole: str, sizes: tuple[int, ...]) -> str:
    if dice.random() < 0.5:
        return whole
    starts = [sum(sizes[:at]) for at in range(len(sizes))]
    return " ".join(whole[at : at + size] for at, size in zip(starts, sizes, strict=True))


def _passport(dice: random.Random) -> str:
    n = _digits
    return dice.choice(
        (n(dice, 9), f"C0{n(dice, 1)}X0{n(dice, 1)}T{n(dice, 2)}", f"AA{n(dice, 7)}", n(dice, 8))
    )


def _letters(dice: random.Random, count: int) -> str:
    return "".join(dice.choice("ABCDEHJKLMNPRSTUVXYZ") for _ in range(count))


def _licence_plate(dice: random.Random) -> str:
    n, a = _digits, _letters
    return dice.choice(
        (
            f"{a(dice, 2)} {n(dice, 2)} {n(dice, 3)}",
            f"{a(dice, 2)}{n(dice, 5)}",
            f"{a(dice, 3)} {n(dice, 3)}",
            f"{a(dice, 3)}{n(dice, 2)}{a(dice, 1)}",
            f"HH-{a(dice, 2)} {n(dice, 3)}",
            f"B {a(dice, 2)} {n(dice, 4)}",
            f"{a(dice, 2)}{n(dice, 2)} {a(dice, 3)}",
        )
    )


def _ip(dice: random.Random) -> str:
    if dice.random() < 0.3:
        return "2001:db8:" + ":".join(f"{dice.randint(1, 65535):x}" for _ in range(6))
    return ".".join(str(dice.randint(11, 254)) for _ in range(4))


def _person_in_path(dice: random.Random) -> str:
    return f"{dice.choice(NAMES)}{dice.choice('.-_')}{dice.choice(SURNAMES)}"


def _url(dice: random.Random) -> str:
    name = _person_in_path(dice)
    return dice.choice(
        (
            f"https://www.linkedin.com/in/{name}",
            f"https://eksempel.dk/brugere/{name}",
            f"http://exempel.se/x?email={name}%40exempel.se",
            f"https://example.com/reset?token={_digits(dice, 8)}a",
            f"www.eksempel.no/ansatte/{name}",
        )
    )


def _handle(dice: random.Random) -> str:
    return dice.choice(("@", "")) + _person_in_path(dice).replace("-", "_") + _digits(dice, 2)


def _birth_date(dice: random.Random) -> str:
    day, month, year = _date(dice)
    return dice.choice(
        (
            f"{day}.{month}.19{year}",
            f"{day:02}.{month:02}.19{year}",
            f"{day}/{month}-{year}",
            f"{day:02}-{month:02}-19{year}",
            f"19{year}-{month:02}-{day:02}",
            f"{day}. {dice.choice(MONTHS)} 19{year}",
            f"{day} {dice.choice(MONTHS)} 19{year}",
        )
    )


def _customer_number(dice: random.Random) -> str:
    n = _digits
    return dice.choice(
        (
            f"3{n(dice, 5)}",
            f"K-{n(dice, 6)}",
            f"{n(dice, 2)}-{n(dice, 3)}-{n(dice, 3)}",
            f"P3{n(dice, 6)}",
        )
    )


def _secret(dice: random.Random) -> str:
    word = dice.choice(("Sommer", "Blau7Kran", "hemmelig", "Tr0ub4dor", "lösen"))
    return f"{word}{dice.choice('!#&*+%')}{_digits(dice, 3)}{dice.choice('xyz')}"


MADE: dict[str, tuple[Callable[[random.Random], str], float]] = {
    "cpr": (_cpr, CHECKED_RECALL_MIN),
    "fodselsnummer": (_fodselsnummer, CHECKED_RECALL_MIN),
    "personnummer": (_personnummer, CHECKED_RECALL_MIN),
    "card": (_card, CHECKED_RECALL_MIN),
    "iban": (_iban, CHECKED_RECALL_MIN),
    "phone": (_phone, RECALL_MIN),
    "account": (_account, RECALL_MIN),
    "email": (_email, RECALL_MIN),
    "kvnr": (_kvnr, CHECKED_RECALL_MIN),
    "sozialversicherungsnummer": (_sozialversicherungsnummer, CHECKED_RECALL_MIN),
    "steuer_id": (_steuer_id, CHECKED_RECALL_MIN),
    "passport": (_passport, RECALL_MIN),
    "licence_plate": (_licence_plate, RECALL_MIN),
    "ip": (_ip, RECALL_MIN),
    "url": (_url, RECALL_MIN),
    "handle": (_handle, RECALL_MIN),
    "birth_date": (_birth_date, RECALL_MIN),
    "customer_number": (_customer_number, RECALL_MIN),
    "secret": (_secret, RECALL_MIN),
}
BARE = (
    "Anna Lind, {}, har skrevet.",
    "Kunden opplyser {} i skjemaet.",
    "Ärendet gäller Anna Lind ({}).",
    "Bitte prüfen: {}",
    'Note: {{"value": "{}"}}',
)
WORDED = {
    "phone": ("Tlf. {}", "Ring meg på {} i dag", "Telefon: {}", "Handy {}", "Call me on {}."),
    "account": ("Konto {}", "Kontonr. {} i banken", "Kontonummer: {}", "account no. {}"),
    "kvnr": ("Frau Lind, {}, ist versichert.", "KVNR: {}", "Versichertennummer {}"),
    "passport": (
        "Pasnr. {}",
        "Passnummer: {}",
        "Reisepass Nr. {}",
        "passport no. {}",
        "Pass {}",
        "Passnummer til den andre, Kari Lind: {}",
    ),
    "licence_plate": (
        "Nummerplade {}",
        "Bilen har regnr. {}",
        "Registreringsnummer: {}",
        "Kennzeichen {}",
        "The car is {}.",
    ),
    "handle": ("Brugernavn: {}", "Mitt användarnamn är {}", "Benutzername: {}", "username: {}"),
    "birth_date": ("Født {}", "Fødselsdato: {}", "född {}", "geb. am {}", "born on {}", "DOB {}"),
    "customer_number": (
        "Kundenr. {}",
        "Mitt kundnummer är {}",
        "Kundennummer: {}",
        "Medlemsnr. {}",
        "employee no. {}",
        "Anna Lind, avtalenr. {}",
        "Frau Anna Lind, Vertragsnummer: {}",
        "Emma Miller, candidate no. {}",
    ),
    "secret": (
        "Adgangskoden er {}",
        "Passord: {}",
        "Passordet mitt er {}",
        "Lösenordet är {}",
        "Das Passwort lautet: {}",
        "password={}",
        "My password is {}",
    ),
}
