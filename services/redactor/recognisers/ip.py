"""Finds internet addresses, of both versions; version and section numbers are left alone."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from services.redactor.document import Document, Span
from services.redactor.recognisers.base import Examples

KIND: Final = "ip"
PRIORITY: Final = 88
CONTEXT: Final = ("ip ", "ip-", "ipv4", "ipv6", "ip:", "host", "server", "client", "klient ")
EXAMPLES: Final = Examples(
    found=(
        ("IP 192.0.2.44 loggede ind", "192.0.2.44"),
        ("Anmeldung von 203.0.113.7.", "203.0.113.7"),
        ("IP-adresse: 1.2.3.4", "1.2.3.4"),
        ("fra 198.51.100.23:8080 i går", "198.51.100.23"),
        ("klienten 2001:db8::8a2e:370:7334", "2001:db8::8a2e:370:7334"),
        ("fe80::1ff:fe23:4567:890a%eth0", "fe80::1ff:fe23:4567:890a"),
    ),
    ignored=(
        "Version 1.2.3.4 er ude",
        "Opdater til v. 10.12.3.4 i dag",
        "Se afsnit 4.2.1.3",
        "OID 1.3.6.1.4.1",
        "Start serveren på 127.0.0.1",
        "Kl. 12:30:45 og std::vector",
        "Netmaske 255.255.255.0",
    ),
)

_V4: Final = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?![\w-]|\.[0-9])")
_V6: Final = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])")
_NO_ADDRESS: Final = re.compile(
    r"(?:version|versjon|ver|v|release|build|firmware|driver|afsnit|avsnitt|avsnit|kapitel|kapittel"
    r"|abschnitt|section|punkt|pkt|§|oid|nr|chrome|firefox|safari)[ .:/]{0,3}\Z",
    re.IGNORECASE,
)
_BEFORE_CHARS: Final = 14
_FIRST_OCTET_MIN: Final = 10
"""Below it, four small numbers are more often a version or a section."""
_V4_DOTS: Final = 3


def find(document: Document) -> Iterator[Span]:
    text = document.text
    if text.count(".") >= _V4_DOTS:
        for match in _V4.finditer(text):
            before = text[max(0, match.start() - _BEFORE_CHARS) : match.start()]
            if before[-1:].isalnum() or before[-1:] in {".", "-"} or _NO_ADDRESS.search(before):
                continue
            if _is_somebodys(match.group()):
                sure = int(match.group().split(".")[0]) >= _FIRST_OCTET_MIN
                known = sure or KIND in document.kinds_before(match.start())
                yield document.span(*match.span(), KIND, 0.9 if known else 0.4, "v4")
    if text.count(":") > 1:
        for match in _V6.finditer(text):
            if len(match.group()) > _V6_CHARS_MIN and _is_somebodys(match.group()):
                yield document.span(*match.span(), KIND, 0.9, "v6")


_V6_CHARS_MIN: Final = 6


def _is_somebodys(address: str) -> bool:
    try:
        read = ip_address(address)
    except ValueError:
        return False
    return not (read.is_loopback or read.is_unspecified or address.startswith("255."))
