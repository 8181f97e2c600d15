"""Letters of invented people in four languages, and what in them is personal."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Letter:
    """One letter; `values` must never be seen behind the redactor."""

    text: str = field(repr=False)
    values: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class Tongue:
    """How people of one language write: a template, and six people's details."""

    template: str = field(repr=False)
    people: tuple[str, ...] = field(repr=False)

    def letters(self) -> list[Letter]:
        """Return a letter for each person: name, surname, street, city, phone, number."""
        return [self._letter(line) for line in self.people]

    def _letter(self, line: str) -> Letter:
        first, last, street, city, phone, number = (part.strip() for part in line.split("|"))
        email = f"{_plain(first)}.{_plain(last)}@eksempel.example".lower()
        text = self.template.format(
            first=first,
            last=last,
            street=street,
            city=city,
            phone=phone,
            number=number,
            email=email,
        )
        surely = (f"{first} {last}", last, street, phone, phone.replace(" ", ""), email, number)
        return Letter(text, (*surely, number.replace(" ", "").replace("-", "")))


def _plain(name: str) -> str:
    folded = name
    for letter, plain in zip(
        "æøåäöüßé", ("ae", "oe", "aa", "ae", "oe", "ue", "ss", "e"), strict=True
    ):
        folded = folded.replace(letter, plain).replace(letter.upper(), plain)
    return folded


DANISH = Tongue(
    "Kære kundeservice\n\nMit navn er {first} {last}, og jeg bor på {street}, {city}. Mit"
    " CPR-nummer er {number}. Ring til mig på telefon {phone} eller skriv til {email}.\n"
    "Ordre 4711-2089 er stadig ikke kommet.\n\nMed venlig hilsen\n{first} {last}",
    (
        "Mette | Skovlund | Birkevænget 27 | 8600 Silkeborg | 40 28 11 93 | 010180-1176",
        "Søren | Brandtgaard | Møllevej 4 | 5000 Odense C | 26 71 40 85 | 150275-1733",
        "Ditte | Lykkegaard | Rosenvænget 112 | 9000 Aalborg | 51 90 33 27 | 230690-2041",
        "Jørgen | Østerby | Åboulevarden 9 | 8000 Aarhus C | 23 84 65 10 | 070569-2140",
        "Kirsten | Højgaard | Havnegade 51 | 1058 København K | 60 13 79 44 | 301158-1223",
        "Rasmus | Kjeldgaard | Strandvejen 230 | 2900 Hellerup | 42 56 08 91 | 120992-2139",
    ),
)
BOKMAAL = Tongue(
    "Kjære kundeservice\n\nJeg heter {first} {last} og bor i {street}, {city}. Fødselsnummeret mitt"
    " er {number}. Dere når meg på telefon {phone} eller {email}.\nBestilling 4711-2089 har ikke"
    " kommet ennå.\n\nMed vennlig hilsen\n{first} {last}",
    (
        "Ingrid | Haugland | Bjørkeveien 14 | 0577 Oslo | 412 86 305 | 010180 22091",
        "Håkon | Solbakken | Storgata 8 | 7010 Trondheim | 934 17 268 | 150275 25536",
        "Sigrid | Nordheim | Fjordveien 61 | 5003 Bergen | 905 63 812 | 230690 15255",
        "Øystein | Bakkerud | Kirkegata 3 | 4006 Stavanger | 478 20 946 | 070569 46963",
        "Torunn | Fjellheim | Skoleveien 22 | 9008 Tromsø | 988 31 570 | 301158 34564",
        "Eirik | Sandvik | Havneveien 5 | 6003 Ålesund | 416 95 037 | 120992 17934",
    ),
)
SWEDISH = Tongue(
    "Hej kundtjänst\n\nJag heter {first} {last} och bor på {street}, {city}. Mitt personnummer är"
    " {number}. Ni når mig på telefon {phone} eller {email}.\nBeställning 4711-2089 har inte kommit"
    " än.\n\nMed vänliga hälsningar\n{first} {last}",
    (
        "Astrid | Lindqvist | Björkvägen 12 | 114 32 Stockholm | 070-174 06 35 | 800101-1926",
        "Gustav | Söderberg | Storgatan 7 | 211 42 Malmö | 070-174 06 58 | 750215-1686",
        "Elsa | Nordström | Skolgatan 31 | 753 20 Uppsala | 070-174 06 12 | 900623-1204",
        "Åke | Sjöström | Ringvägen 90 | 118 60 Stockholm | 070-174 06 84 | 690507-5112",
        "Birgitta | Hedlund | Parkgatan 4 | 411 38 Göteborg | 070-174 06 27 | 581130-6629",
        "Nils | Wikström | Hamngatan 19 | 582 22 Linköping | 070-174 06 49 | 920912-3968",
    ),
)
GERMAN = Tongue(
    "Sehr geehrte Damen und Herren\n\nmein Name ist {first} {last}, ich wohne in der {street},"
    " {city}. Meine Steuer-ID ist {number}. Sie erreichen mich unter Telefon"
    " {phone} oder {email}.\nBestellung 4711-2089 ist noch nicht gekommen."
    "\n\nMit freundlichen Grüßen\n{first} {last}",
    (
        "Annegret | Hoffmann | Lindenstraße 14 | 50674 Köln | 0171 3920086 | 84 887 523 161",
        "Jürgen | Schäfer | Bahnhofstraße 3 | 80335 München | 0171 3920044 | 29 586 671 347",
        "Käthe | Schröder | Gartenstraße 88 | 20095 Hamburg | 0171 3920075 | 66 690 281 758",
        "Wolfgang | Krüger | Hauptstraße 21 | 10827 Berlin | 0171 3920013 | 79 541 283 265",
        "Sabine | Lehmann | Schillerstraße 5 | 04109 Leipzig | 0171 3920062 | 31 490 256 559",
        "Dieter | Zimmermann | Mühlenweg 17 | 70173 Stuttgart | 0171 3920099 | 31 980 752 557",
    ),
)
EXAMPLE_VALUES = (
    *("Mette Skovlund Thorsen", "Skovlund", "Thorsen", "Anders Thorsen", "Jonas Brix", "Brix"),
    *("Birkevænget 27", "140385-4218", "1403854218", "40 28 11 93", "40281193"),
    *("DK95 2000 0123 4567 89", "DK9520000123456789", "mette.thorsen@eksempel.dk"),
)
"""What is personal in docs/examples/brev-da.txt."""


def invented() -> list[Letter]:
    """Return all letters of all languages."""
    return [one for tongue in (DANISH, BOKMAAL, SWEDISH, GERMAN) for one in tongue.letters()]
