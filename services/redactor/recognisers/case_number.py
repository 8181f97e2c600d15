"""Finds numbers of cases, policies and journals, where they are tied to a person.

Alone, such a number belongs to an authority or a firm. Beside somebody who is named, or who speaks
of "my case", it leads to that person.
"""

import re
from collections.abc import Iterator
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.kinds import PERSON
from services.redactor.recognisers.base import Examples
from services.redactor.recognisers.customer_number import numbers

KIND: Final = "case_number"
PRIORITY: Final = 30
CONTEXT: Final = (
    "sagsn", "sags-n", "sag nr", "sag ", "saksn", "sak nr", "ärenden", "ärende ", "aktenzeichen",
    "fall-nr", "fallnummer", "case n", "case id", "case #", "journaln", "policen", "police ",
    "policy n", "police-nr", "forsikringsn", "försäkringsn", "försäkringsbrev",
    "versicherungsschein", "skadesn", "skaden", "schadenn", "schaden-nr", "claim n", "sygejournal",
    "journal nr",
)  # fmt: skip
EXAMPLES: Final = Examples(
    found=(
        ("Min sag, sagsnr. 2024-11873, ligger stille", "2024-11873"),
        ("Sagsnr. 2024-11873 for Anders Hansen", "2024-11873"),
        ("My claim number is CL-998877", "CL-998877"),
        ("Mein Aktenzeichen: 12-34567", "12-34567"),
        ("Mitt ärendenummer är 20241187", "20241187"),
    ),
    ignored=(
        "Sagsnr. 2024-11873",
        "Aktenzeichen 12 C 345/24",
        "Police no. 99123 gælder bygningen",
        "Case no. 2024-11873 was closed",
    ),
)

_OWNER: Final = re.compile(
    r"(?<!\w)(?:min|mit|mine|mitt|mina|mein|meine|meiner|meinem|my|vores|hans|hendes|hennes|her|his)"
    r"(?!\w)"
)
_NEAR_CHARS: Final = 60


def find(document: Document) -> Iterator[Span]:
    for match in numbers(document, KIND):
        start, end = max(0, match.start() - _NEAR_CHARS), match.end() + _NEAR_CHARS
        is_near = any(
            one.type == PERSON and one.start < end and start < one.end for one in document.found
        )
        if is_near or _OWNER.search(document.lower, start, match.start()):
            yield document.span(*match.span(), KIND, 0.75, "beside a person")
