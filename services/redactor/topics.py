"""What a text speaks of, by its words: confidentiality, and what the law protects most.

In each table a word is the beginning of words; one that ends in `=` is a whole word. A table
under a language counts only where that language was guessed, because its words mean something else
in another one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

INTERNAL: Final = "internal"
CONFIDENTIAL: Final = "confidential"
MINOR: Final = "minor"

_ALL: Final = ""
_WORDS: Final[Mapping[tuple[str, str], str]] = {
    (INTERNAL, "da nb nn sv de"): "intern=",
    (INTERNAL, _ALL): """
        internt= interne= interna= interner= internes= internen= internem= hausintern
        betriebsintern firmenintern internbrug internbruk
    """,
    (CONFIDENTIAL, _ALL): """
        fortrolig konfidentiel konfidensiel konfidentiell forretningshemmelig bedriftshemmelig
        forretningsløyndom bedriftsløyndom erhvervshemmelig hemmeligholdt hemmeligstemple
        tavshedspligt taushetsplikt teieplikt tystnadsplikt tystnadslöfte sekretess förtrolig
        företagshemlig affärshemlig hemligstämpl vertraulich verschwiegenheit schweigepflicht
        geheimhaltung geschäftsgeheim betriebsgeheim verschlusssache confidential nda=
    """,
    ("health", _ALL): """
        syg= syge= sygt= sygdom sygemeld sygefravær sygedag sygehus sygesikr indlagt= indlæggelse
        kræft= kræften= kræftsyg kræftpatient kræftbehandling brystkræft lungekræft prostatakræft
        hudkræft tarmkræft sykdom sykmeld sykefravær sykehus syk= sjuk= sjuke= sjuka= sjukdom
        sjukskr sjukhus sjukmeld sjukfrånvaro kreft= kreften= kreftsyk kreftpas brystkreft
        lungekreft prostatakreft bröstcancer lungcancer cancer prostatacancer
        krank= kranke= kranken= kranker= krankheit krankmeld krankgeschr krankschr krankenhaus
        krankenstand krankengeld krankenakte erkrank krebs= krebserkr krebspat brustkrebs
        lungenkrebs hautkrebs darmkrebs prostatakrebs tumor svulst depressi
        psykiatr psykisk psykolog psykose psychiatr psychisch psychother psychose angstlidelse
        misbrug rusmis rusproblem rusavheng alkoholi alkoholmis missbruk suchtkr suchttherapie
        drogensucht gravid schwanger pregnan abortion abtreibung hiv= diabet
        sukkersyge epilep demens dement alzheimer parkinson multiple sclerose sklerose= asthma
        astma allerg handicap behinderung schwerbehind funktionsneds funksjonshem funksjonsneds
        funktionshinder medicin= medicinen= medisin= medisinen= medikament medication
        hospitali hospital= chemotherap kemoterap cellegift strålebehandl strahlentherap
        blodtryk blodtryck blodprøve blodprov blutdruck kardiolog cardiolog onkolog oncolog
        bluthochdruck blutbild illness= disease disabilit
        disorder= therapist= sick= surgery= selvmord självmord sjølvmord suizid suicid burnout
        utbrent utbränd utmattning migræne migräne migrene
    """,
    (
        "health",
        "da nb nn sv de",
    ): "patient= patienten= patients= patientin pasient diagnos abort= aborten=",
    ("health", "en"): "patients= diagnosis= diagnosed= therapy= medicine=",
    ("religion", _ALL): """
        religio muslim islam= islamisk islamic islamisch moské moskeen moschee mosque jødisk jødedom
        jüdisch jewish judisk katolik katolsk katholi catholi protestantisk protestantisch
        buddhis hinduis jehova mormon trossamf glaubensgem kirchensteuer kirchenmitgl kirchenaustr
        konfession ateist atheist synagog ramadan
    """,
    ("religion", "de sv"): "jude= juden= judar=",
    ("religion", "da nb nn"): "jøde= jøden= jøder=",
    ("union", _ALL): """
        fagforening fagforbund fagforein fackförening fackförbund fackmedlem facklig gewerkschaft
        tillidsrepræsentant tillidsmand tillitsvalgt tillitsvald unionised= unionized=
    """,
    ("politics", _ALL): "partimedlem parteimitgl parteizugehör parteibuch partitilhør",
    ("crime", _ALL): """
        straffeattest strafferegist straffedom straffedømt straffesag straffesak straffet=
        sigtet= sigtelse siktet= siktelse sikta= tiltalt= dømt= dømd= dömd=
        dömdes= fængsel= fængslet fængsling fengsel= fengslet fengsling fängelse häktad åtalad
        brottsregist belastningsregist vandelsattest politiattest politianmeld polisanmäl
        anholdt= vorstraf vorbestraf strafregister führungszeugnis straftat
        strafverfahren strafanzeige haftstrafe gefängnis untersuchungshaft bewährungsstr
        verurteilt= verhaftet= voldtægt voldtekt våldtäkt vergewaltig convicted= felony=
        felonies= misdemeano imprison arrested=
        embezzl underslæb underslag=
    """,
    ("sexuality", _ALL): """
        homoseks homosex homofil bisex biseks heterosek transkøn transkjøn transkön transgender
        transsex transpers lesbisk lesbisch lesbian lesbe= schwul= schwule= schwuler= gay= queer
        lgbt seksuel seksuell sexuell sexual bøsse= kønsskifte kjønnsskifte kjønnskorr könsbyte
        könskorr geschlechtsum geschlechtsangl
    """,
    ("ethnicity", _ALL): """
        etnisk etnicit etnisit ethnisch ethnie ethnic afstamning abstammung migrationshinterg
        indvandrer innvandrer innvandrar invandrar asyl asylum flygtning flyktning flykting
        flüchtling geflüchtet refugee hudfarve hudfarge hudfärg hautfarbe samisk= romani=
    """,
    ("biometrics", _ALL): "fingeraftryk fingeravtr fingerabdr fingerprints= biometri dna= gentest",
    (MINOR, _ALL): """
        mindreårig umyndig minderårig omyndig minderjährig underage= schulkind kindergartenkind
        grundschulkind skolebarn skolebørn børnehavebarn barnehagebarn förskolebarn skoleelev
        spædbarn spedbarn spädbarn säugling toddler schoolchild schoolboy schoolgirl
    """,
}
"""Beginnings of words above that mean something else as a whole."""

_CHILDREN: Final = """
    søn sønn sønnen datter datteren dattera dotter dottera dottern barn barnet barnebarn barnbarn
    dreng drengen pige pigen gutt gutten jente jenta elev eleven son sonen pojke pojken flicka
    flickan sohn sohnes tochter enkelin enkelkind mädchen schüler schülerin schülers daughter child
    boy girl kid grandson granddaughter pupil nephew niece nevø niese
""".split()  # noqa: SIM905  A list of so many is one word a line.
_GERMAN_CHILD: Final = (
    r"(?:das|dem|des|ein|kein|mein|dein|sein|ihr|unser|euer)(?:e[mns])? (?:kind|kindes|junge)"
)
"""Never "kind" alone, which is an English word."""
_CHILD: Final = rf"(?:{'|'.join(_CHILDREN)}|{_GERMAN_CHILD})"
_AGE: Final = (
    r"(?<![\d.,])(?:1[0-7]|[1-9])(?:[ -]?(?:år|åring|årig\w*|jahre?n?|jährig\w*)|[ -]years?)"
)
_ORDINAL: Final = r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)"
_ORDINAL_ELSEWHERE: Final = (
    r"(?:første|anden|andre|annen|annan|andra|tredje|fjerde|fjärde|femte|sjette|sjätte|syvende|"
    r"sjuende|sjuande|sjunde|ottende|åttende|åttande|åttonde|niende|niande|nionde|"
    r"(?:erst|zweit|dritt|viert|fünft|sechst|siebt|acht)e[nrs]?)"
)
_SCHOOL_YEARS: Final = (
    "ettan",
    "tvåan",
    "trean",
    "fyran",
    "femman",
    "sexan",
    "sjuan",
    "åttan",
    "nian",
)
_CLASS: Final = (
    r"(?:(?<!\d)(?:1[0-3]|[0-9])\.? ?(?:klasse|klassen|klass|trinn|årskurs)|"
    r"(?:klasse|klass|årskurs|year|grade) (?:1[0-3]|[1-9])(?!\d)|"
    rf"(?:\d(?:st|nd|rd|th)|{_ORDINAL}) grade|"
    rf"{_ORDINAL_ELSEWHERE} (?:klasse|klass|trinn|årskurs)|"
    rf"(?:{'|'.join(_SCHOOL_YEARS)}))"
)
_NEAR: Final = r"\b[^.!?\n]{0,40}?\b"
_AT_SCHOOL: Final = r"(?:går i|gikk i|begynner i|börjar i|geht in die|besucht die|is in)"
_VIEWS: Final = (
    r"(?:overbevi|holdning|opfatt|oppfatt|åskådn|åsikt|affiliat|opinion|view|belief|überzeug|"
    r"einstell|gesinn)"
)
_PHRASES: Final[Mapping[str, tuple[str, ...]]] = {
    MINOR: (
        rf"\b{_CHILD}{_NEAR}(?:{_AGE}|{_CLASS})\b",
        rf"\b(?:{_AGE}|{_CLASS}){_NEAR}{_CHILD}\b",
        rf"\b{_AT_SCHOOL} {_CLASS}\b",
        r"\bchild (?:welfare|protection|custody)\b|\bjugendamt",
    ),
    INTERNAL: (
        r"\binternal(?:ly)?(?: use| only|-only| memo| note| document)",
        r"\b(?:company|for) internal\b",
        r"\bdo not (?:forward|distribute)\b",
    ),
    CONFIDENTIAL: (
        r"\btrade secret",
        r"\bnon-?disclosure\b",
        r"\bunder embargo\b",
        r"\bcommercially sensitive\b",
    ),
    "union": (
        r"\b(?:trade|labou?r|teachers?'?|workers'?) unions?\b",
        r"\bunion (?:member|rep|steward|dues|activ)",
        r"\b(?:her|his|their) union\b",
        r"\bver\.di\b",
        r"\bmed i facket\b",
    ),
    "politics": (rf"\bpoliti(?:sk|ske|cal|sche|schen) {_VIEWS}", r"\bparty member"),
    "crime": (
        r"\bcriminal (?:record|conviction|charge|offen)",
        r"\b(?:in|to) prison\b|\bprison sentence\b",
        r"\bpolice record\b",
        r"\bmisstänkt för\b",
    ),
    "health": (r"\bpatient ?:", r"\bblood pressure\b"),
    "ethnicity": (r"\bskin colou?r\b", r"\bracial (?:origin|background)\b"),
}
_HINTS: Final[Mapping[str, frozenset[str]]] = {
    topic: frozenset(words.split())
    for topic, words in {
        MINOR: " ".join(
            [*_CHILDREN, "kind kindes junge jugendamt klasse klassen klass trinn grade"]
        ),
        INTERNAL: "internal internally forward distribute",
        CONFIDENTIAL: "secret secrets disclosure nondisclosure embargo sensitive",
        "union": "union unions ver facket",
        "politics": "politisk politiske political politische politischen party",
        "crime": "criminal prison police misstänkt",
        "health": "patient blood",
        "ethnicity": "skin racial",
    }.items()
}
"""Words of which each phrase has one; most texts have none, and are read no further."""
TOPICS: Final = frozenset({*_PHRASES, *(topic for topic, _ in _WORDS)})
# The word of a placeholder says nothing about the text: a policy may call people Patient_001.
_WORD: Final = re.compile(r"[^\W\d_]++(?!_\d{3}|-(?=[a-z]*\d)[a-z0-9]{3,8}\b)")
_HEAD: Final = 3


class _Beginning(NamedTuple):
    letters: str
    is_whole: bool
    topic: str
    languages: frozenset[str]


def _beginnings() -> dict[str, list[_Beginning]]:
    found: dict[str, list[_Beginning]] = {}
    for (topic, languages), words in _WORDS.items():
        for word in words.split():
            letters = word.rstrip("=")
            one = _Beginning(letters, word != letters, topic, frozenset(languages.split()))
            found.setdefault(letters[:_HEAD], []).append(one)
    return found


_INDEX: Final = _beginnings()
_PATTERNS: Final = {topic: re.compile("|".join(some)) for topic, some in _PHRASES.items()}


def topics_of(lower: str, language: str | None) -> frozenset[str]:
    """Return what a lower-case text speaks of; every language's words count if none is known."""
    words = set(_WORD.findall(lower))
    return frozenset([*_by_words(words, language), *_by_phrases(words, lower)])


def _by_words(words: Iterable[str], language: str | None) -> Iterator[str]:
    for word in words:
        for one in _INDEX.get(word[:_HEAD], ()):
            fits = word == one.letters if one.is_whole else word.startswith(one.letters)
            if fits and (not one.languages or language is None or language in one.languages):
                yield one.topic


def _by_phrases(words: set[str], lower: str) -> Iterator[str]:
    for topic, hints in _HINTS.items():
        if not hints.isdisjoint(words) and _PATTERNS[topic].search(lower):
            yield topic
