"""Knows goods, companies, works and places that are called like persons: `data/things.txt`."""

import re
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Final, Self

from services.redactor.document import WORD, Words

_GAP_CHARS_MAX: Final = 3
_BETWEEN: Final = frozenset(" .,&-+'’:/\n")
_PART: Final = re.compile(f"&?{WORD.pattern}")
_COMMA: Final = ", "
_GENITIVES: Final = ("s", "'s")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NOUNS_BEFORE: Final = _words(
    """
    modelle models modellerna modellene produkter produkterna produktene products produkte
    varianter variantene färgen färgerna färger farver farverne fargen fargene farge farve färg
    farbe farben colour color colours colors chatbot chatboten chatbotten bot skoven senge
    sofaer sofaene sofaerne stole stolene stolarna stühle mattress madrassen madrasen matratze
    haltestelle hållplatsen stoppestedet holdeplassen bokhylla bogreolen sessel kollektion
    kollektionen kolleksjonen collection konferencen konferansen konferensen conference compiler
    modellen modell model modellerne serien serie series versjonen versjon versionen version
    filmen film romanen roman novel boken bogen boka musikalen musical operaen operan oper opera
    albummet albumet album sangen sången låten låta song lied stykket pjäsen stück stormen
    stormene orkanen ekstremværet ekstremvêret sturm orkan hurricane storm cyclone skibet skipet
    fartyget fartøyet schiff ship ferry færgen fergen ferga ferja färjan fähre båten skuta
    kutteren bilen bil biltypen produktet produkten produkt product mærket merket märket marke
    brand brands marken sorten sort kartoffelsorten potetsorten potatissorten apfelsorte
    äpplesorten æblesorten sofaen sofa soffan hylla hyllan reolen reol regal schrank skapet
    skabet kommoden kommode byrån stolen stol stuhl fåtöljen lænestolen lenestolen bordet bord
    tisch lampen lampan lampa lampe leuchte sengen senga sängen bett køkkenet kjøkkenet köket
    küche skoene skorna schuhe serveren servern server rechner maskinen maskine maschine roboten
    roboter robot satellitten satelliten satellit satellite raketten raketen rakete programmet
    programm program systemet system appen app tjenesten tjänsten dienst software biblioteket
    bibliothek library sproget språket sprache language assistenten projektet prosjektet projekt
    project operation operasjon tunnelen tunnel broen brua bron brücke slottet schloss castle
    hotellet hotel hotell gården garden gaarden skolen skola skole schule kirken kyrkan kirche
    church stadion pladsen plassen platsen kvarteret bydelen stadsdelen bydel stadtteil ortsteil
    landkreis kreis kommun kommune county lake lac mount cape fort port camp loch river fluss
    insel øen øya ön island isle hurtigruten prisen priset preis prize klassen klasse kohorten
    station bahnhof stasjon morbus sykdommen sygdommen sjukdomen syndromet festivalen messen
    mässan messe restaurant cafe café pub kro gasthof hunden katten kissa hesten hästen hest
    pferd hund katze dog cat horse nissan renault citroën citroen peugeot suzuki mazda
    mitsubishi honda volvo saab bmw audi mercedes vauxhall austin tesla polestar jaguar
    chevrolet toyota skoda škoda opel ford seat fiat ikea lego kia hyundai dacia
    """
)
"""Before a name without a surname these make a thing of it: "modellen Amanda"."""

WORKS: Final = _words(
    "filmen romanen musikalen operaen operan stormen orkanen ekstremværet ekstremvêret novel "
    "hurricane skibet skipet fartyget fartøyet færgen fergen färjan"
)
"""They do so before a name with a surname too."""

NOUNS_AFTER: Final = _words(
    """
    mattress madras madrass matratze technique teknik procedure experiment principle prinzip
    princip rule regel paradox plan accords agreement doctrine report inquiry commission bro
    bron brua trust fund appeal charity express line airport terminal brewery arms inn hotel
    hotell pub restaurant café cafe bar grill pizza burger hospice prize award awards medal cup
    trophy museum museet muséet festival festivalen theatre theater teater teatret teatern
    stadium stadion arena hall hallen halle kirke kirken kyrka kyrkan kirche church cathedral
    school skole skolen skola skolan schule gymnasium college university universitet
    universitetet universität institute institut instituttet institutet hospital sygehus sykehus
    sjukhus krankenhaus klinikum clinic foundation fond fonden fondet stiftelse stiftelsen
    stiftung society street road avenue lane square bridge park parken garden gardens island
    islands bay beach hill hills lake river canal station lufthavn lufthamn flughafen bahnhof
    slot slott schloss castle palace gade gata gate vej veg vei väg plads plass plats torg torv
    allé allee brücke tunnel hus haus house tower tårn turm center centre senter zentrum
    syndrome syndrom syndromet disease sygdom sykdom sjukdom krankheit theory theorem teori
    theorie act law lov gesetz effect effekt constant konstant method metode metoden metod
    methode test scale skala index number curve kurve diagram bookcase bookshelf shelf sofa
    chair table lamp dresser bed hylle hylla hyllan reol regal soffa kommode byrå stol stuhl
    lampe lampa tisch bord jeans shirt shirts shoes boots sneakers sko skor schuhe jacket jakke
    jacka bag tea te whisky whiskey gin vodka rum wine beer øl öl bier ice glass chocolate
    cookies kaviar bilar edition collection kollektion kolleksjon series serie serien version
    model modell film films filmen movie novel album musical show opera day dag tag week eve
    cake pie salad pipeline plugin server compiler script library framework cluster kernel
    package verft werft bryggeri brauerei winery vineyard estate shipping shipyard records
    insurance capital partners brothers sons group industries motors airlines pharmaceuticals
    """
)
"""After a name these make a thing of it: "Pritzker Prize", "Anker festival"."""

PRODUCT_CUES: Final = NOUNS_BEFORE | _words(
    """
    python java javascript typescript rust kotlin perl php docker kubernetes git linux installed
    installeret installert installerat installiert plugin udsolgt utsolgt slutsålda slutsåld
    ausverkauft sold stock jeans size størrelse storlek größe bookcase shelf devices device
    enhed enhet gerät højttaler høyttaler högtalare lautsprecher speaker smart chatbot assistant
    assistent chatgpt gemini copilot alexa siri cortana jenkins ruby travis deploy deployed
    grafana maven gradle prometheus ansible terraform webpack npm selenium redis postgres
    postgresql mysql mongodb kafka nginx apache nodejs angular vue django flask rails
    hibernate cucumber vagrant jira confluence gitlab github bitbucket sentry elasticsearch kibana
    bash powershell scala haskell elixir erlang clojure matlab golang tomcat junit mocha
    cypress playwright sonarqube artifactory pandas numpy typescript
    install run coding code kode kod programming programmieren google microsoft amazon apple
    """
)
"""Near one of these a name that is also the name of goods means those."""

ARTICLES: Final = {
    "en": (_words("the"), _words("a an")),
    "de": (_words("das"), _words("ein einen")),
    "da": (_words(""), _words("en et")),
    "nb": (_words(""), _words("en et ei")),
    "nn": (_words(""), _words("ein eit ei")),
    "sv": (_words(""), _words("en ett")),
}
"""By language: nobody has one of the first before the name, or one of the second before one word.
"""

INSTITUTIONS: Final = (
    "museum", "museet", "senter", "senteret", "centrum", "zentrum", "center", "centret",
    "stiftelse", "stiftelsen", "stiftung", "skole", "skolen", "skolan", "schule", "gymnasium",
    "sjukhus",
    "sykehus", "sygehus", "krankenhaus", "universitet", "universität", "akademi", "akademie",
    "bryggeri", "verlag", "forlag", "förlag", "kommun", "kommune", "festival", "prisen", "priset",
)  # fmt: skip
"""A capitalised word behind a name that ends so makes an institution of it."""

INSIDE: Final = _words("i via in im inom innen innenfor inside")
"""What follows is a place, even where it is a first name too."""

TOWARDS_PLACES: Final = _words(
    "nær nära near nahe utenfor uden udenfor utanför rundt omkring nach around across throughout"
)
"""What follows is a place, unless it is a first name."""

NEVER_OWNED: Final = _words(
    "prize award awards medal cup trophy museum museet muséet festival festivalen stadium stadion "
    "arena universitet universitetet institut instituttet institutet hospital foundation fond "
    "fonden fondet stiftelse stiftelsen street road avenue gate gata gade plads plass plats torg "
    "torv vej allé syndrome syndrom syndromet disease sygdom sykdom sjukdom law lov lag effect "
    "theorem bryggeri verft minde jeans bilar bakery"
)
"""Nobody has one of these: after a genitive only they make a thing of a name."""


class Things:
    """Phrases of one word or more, by their first word; the longest that fits is taken."""

    def __init__(self, phrases: Iterable[Sequence[str]]) -> None:
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        for phrase in {tuple(phrase) for phrase in phrases if phrase}:
            self._by_first.setdefault(phrase[0], []).append(phrase)
        for some in self._by_first.values():
            some.sort(key=len, reverse=True)

    @classmethod
    def load(cls) -> Self:
        """Return the things that are shipped with the redactor."""
        file = resources.files("services.redactor.names").joinpath("data", "things.txt")
        lines = file.read_text(encoding="utf-8").splitlines()
        text = " ".join(line for line in lines if not line.startswith(("#", "[")))
        return cls(_PART.findall(phrase.replace("& ", "&")) for phrase in text.split(","))

    def places(self, words: Words, text: str) -> frozenset[int]:
        """Return the indexes of the words that belong to a phrase of two words or more."""
        found: set[int] = set()
        by_first = self._by_first
        for at in [at for at, word in enumerate(words.lower) if word in by_first]:
            for phrase in by_first[words.lower[at]]:
                if len(phrase) > 1 and _fits(phrase, words, text, at):
                    found.update(range(at, at + len(phrase)))
                    break
        return frozenset(found)

    def is_one(self, word: str) -> bool:
        """Return whether a single word may be a thing."""
        return (word,) in self._by_first.get(word, ())


def _fits(phrase: tuple[str, ...], words: Words, text: str, at: int) -> bool:
    """Return whether a phrase stands at `at`; a word with "&" before it needs one in the text."""
    if at + len(phrase) > len(words.lower):
        return False
    last = len(phrase) - 1
    for index in range(1, len(phrase)):
        word, wanted = words.lower[at + index], phrase[index].removeprefix("&")
        if word != wanted and not (
            index == last and word.removeprefix(wanted) in _GENITIVES and word.startswith(wanted)
        ):
            return False
        gap = text[words.ends[at + index - 1] : words.starts[at + index]]
        if gap == _COMMA or len(gap) > _GAP_CHARS_MAX or not _BETWEEN.issuperset(gap):
            return False
        if phrase[index].startswith("&") and "&" not in gap:
            return False
    return True
