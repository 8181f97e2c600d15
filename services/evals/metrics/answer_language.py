"""Whether an answer is in the language that was asked for, or else in that of the prompt.

Small words ("ikke", "und", "which") tell most texts apart for next to nothing; where they leave it
open a detector is asked. Danish, Bokmål and Nynorsk are close enough for it to be wrong about a
short text, so it never holds one Scandinavian language against another: only small words do. Where
nothing is sure, or a text is too short to be sure about, nothing is scored.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from lingua import Language as Lingua
from lingua import LanguageDetector, LanguageDetectorBuilder
from pydantic import JsonValue

from services.evals.metrics.base import Example, Facts, Verdict
from shared.contracts.requests import Message, RequestRedacted, Role
from shared.contracts.values import Language

NAME: Final = "answer_language"
VERSION: Final = 1
UNASKED: Final = "language_unknown"

SAMPLE_CHARS_MAX: Final = 600
SAMPLE_CHARS_MIN: Final = 60
DETECTED_CHARS_MAX: Final = 160
"""The detector costs 0.6 µs a character and is hardly better for more of them."""
SURE: Final = 0.9
MESSAGES_READ_MAX: Final = 8
MESSAGE_CHARS_MAX: Final = 4_000
INSTRUCTION_CHARS: Final = 200
SMALL_WORDS_AHEAD: Final = 2
"""So many more small words than any other language: wrong for 3 texts in 1,000 or fewer."""

_DETECTED: Final = {
    Lingua.DANISH: "da",
    Lingua.BOKMAL: "nb",
    Lingua.NYNORSK: "nn",
    Lingua.SWEDISH: "sv",
    Lingua.GERMAN: "de",
    Lingua.ENGLISH: "en",
}
_CLOSE: Final = frozenset({"da", "nb", "nn", "sv"})
_FAMILY: Final = dict.fromkeys(_CLOSE, "scandinavian")
_ACCEPTED: Final = {"no": ("nb", "nn")}
"""Who asks for Norwegian is served with either written form."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SMALL_WORDS: Final = {
    "da": _words(
        "og at er det jeg ikke til for den en et har vi med på som kan skal de af efter ud mig dig "
        "sig jer jeres noget hvad blev bliver nu kun have gør os meget mere end igen mellem "
        "tilbage været fået sige dit mit sit nogen nogle sådan ind op mod uden fra hvis eller når "
        "hun han var også vil om dem deres din min du tak kære hej gerne venlig uge dage spørgsmål"
    ),
    "nb": _words(
        "og at er det jeg ikke til for den en et har vi med på som kan skal de av etter ut meg deg "
        "seg dere noe hva ble blir nå bare ha gjør oss mye mer enn igjen mellom tilbake vært fått "
        "si ditt mitt sitt noen sånn inn opp mot uten fra hvis eller når hun han var også vil om "
        "dem deres din min du takk kjære hei gjerne vennlig uke dager spørsmål"
    ),
    "nn": _words(
        "og at er det eg ikkje til for den ein eit har vi med på som kan skal dei av etter ut meg "
        "deg seg dykk noko kva vart blir no berre ha gjer oss mykje meir enn igjen mellom tilbake "
        "vore fått seie ditt mitt sitt nokon nokre slik inn opp mot utan frå viss eller når ho han "
        "var også òg vil om din min du vere korleis kvar takk kjære hei gjerne vennleg veke dagar"
    ),
    "sv": _words(
        "och att är det jag inte till för den en ett har vi med på som kan ska de av efter ut mig "
        "dig sig er ni något vad blev blir nu bara ha gör oss mycket mer än igen mellan tillbaka "
        "varit fått säga ditt mitt sitt någon några sådan in upp mot utan från eller när hon han "
        "var också vill om dem deras din min du då så tack kära hej gärna vänlig vecka dagar"
    ),
    "de": _words(
        "der die das und ist nicht mit für auf ein eine ich wir zu von den dem des im sich auch es "
        "sie er bei nach aus als werden wird sind haben hat ihre ihnen oder wenn dass wie nur noch "
        "kann war einen einer um an bitte ihr"
    ),
    "en": _words(
        "the of and to is with this that you please for are was from in a we our your it be have "
        "has will not on as at by or if can an but they he she his their i which were"
    ),
}
_SPOKEN_WITH: Final = {
    word: tuple(code for code, words in _SMALL_WORDS.items() if word in words)
    for word in frozenset[str]().union(*_SMALL_WORDS.values())
}
_NAMES: Final = {
    "da": _words("dansk danska danish dänisch dänische"),
    "no": _words("norsk norska norwegian norwegisch norwegische"),
    "nb": _words("bokmål bokmal"),
    "nn": _words("nynorsk nynorska"),
    "sv": _words("svensk svenska swedish schwedisch schwedische"),
    "de": _words("tysk tyska german deutsch deutsche"),
    "en": _words("engelsk engelska english englisch englische"),
    # Asked for, but beyond this detector: such an answer is left unscored.
    "other": _words(
        "fransk franska french französisch spansk spanska spanish spanisch "
        "italiensk italian italienisch polsk polska polish polnisch finsk finska finnish finnisch "
        "islandsk icelandic isländisch hollandsk nederlandsk dutch niederländisch "
        "portugisisk portuguese portugiesisch russisk russian russisch "
        "ukrainsk ukrainian ukrainisch tyrkisk turkish türkisch arabisk arabic arabisch"
    ),
}
_CODE_OF: Final = {name: code for code, names in _NAMES.items() for name in names}
_EACH_NAME: Final = "|".join(sorted(_CODE_OF, key=len, reverse=True))
_ENGLISH_NAMES: Final = _words(
    "danish norwegian bokmål swedish german english french spanish italian polish finnish "
    "icelandic dutch portuguese russian ukrainian turkish arabic"
)
_PHRASE: Final = re.compile(
    # "auf Deutsch", "på godt dansk", "in plain English", but not "in the German letter".
    r"\b(?:på|til|till|auf|in|into|ins|to)\s+"
    r"(?:(?!(?:the|den|det|der|die|das|dem|this|these|an?|et|en|eine?)\b)\w+\s+)?"
    rf"(?P<name>{_EACH_NAME})\b(?:\s+(?:and|og|und|och)\s+(?P<second>{_EACH_NAME})\b)?",
)
_POLITE: Final = r"venligst|tak|takk|tack|vennligst|vänligen|bitte|please"
_ASKING: Final = re.compile(
    r"\b(?:svar(?:et|a)?|besvara?|(?:om)?skriv|over?s[æe]tt?|översätt|oversett|oms[ei]tt?"
    r"|formul[eé]ra?r?|op?psumm[eé]r|opsumm[eé]r|sammenfat|sammanfatta|giv|gi|gje|ge|lav|lag|gör"
    r"|forklar|förklara|beskriv|udarbejd|utarbeid|udform"
    r"|(?:be)?antworten?|antwort|(?:be)?schreibe?n?|verfassen?|formulieren?|übersetze?n?|fassen?"
    r"|gib|erklären?|erstellen?"
    r"|answer|reply|respond|response|(?:re)?write|translate|summari[sz]e|explain|give|draft"
    r"|describe|output|compose|k[au]nn?e? (?:du|i)|vil du|(?:can|could|would|will) you"
    rf"|kannst du|könn(?:t?en sie|test du)|{_POLITE})\b(?P<between>[^.!?\n]*)$",
)
_REPORTED: Final = re.compile(
    r"\b(?:skrev|skrevet|skriver|skrivet|skrivit|skriven|written|wrote|writes|replied|answered"
    r"|verfasst\w*|geschrieben\w*|schrieb|svarede|svarte|svarade)\b",
)
_POLITE_AFTER: Final = re.compile(rf"[\s,]*\b(?:{_POLITE})\b")
_CLAUSE_BEGINS: Final = re.compile(r"(?:^|[.!?:;\n(])\s*$")
_CLAUSE_ENDS: Final = re.compile(r"\s*(?:[.!?;:,)\n]|$)")
_NOUN_FOLLOWS: Final = re.compile(
    # "in German law" is about the law; "in German, and" or "in German with" is about the answer.
    r"\s+(?!(?:and|or|but|please|with|using|for|to|in|at|so|as|an?|the|if|when|that|which|within"
    r"|only|no|max\w*)\b)[a-z]",
)
_CODE: Final = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_NOISE: Final = re.compile(
    # Addresses, placeholders such as Klient_001, figures and Markdown are no language.
    r"`[^`]*`|https?://\S+|\S+@\S+|[^\W\d_][\w-]*_\d+\w*|[\d*#_|<>\[\]()/=+-]+",
)
_LETTERS: Final = re.compile(r"[^\W\d_]+")


def asked(request: RequestRedacted) -> Facts:
    """Return the language asked for, else the prompt's own, else nothing."""
    for message in _latest_first(request.messages):
        named = set(_named_in(_ends_of(message.content).lower()))
        if named:
            return {"language": named.pop() if len(named) == 1 else "several"}
    if request.language is Language.UNDETERMINED:
        return {}
    own = request.language.value
    return {"language": "several" if _is_instructed_otherwise(request.messages, own) else own}


def found(answer: str) -> Facts:
    """Return how probable each language is that has a chance, and what that rests on."""
    prose = _CODE.sub(" ", answer) if "```" in answer else answer
    sample = _middle_of(prose, SAMPLE_CHARS_MAX)
    told = _told_by(_small_words_in(sample))
    if told is not None and len(sample) >= SAMPLE_CHARS_MIN:
        return {"by": "small-words", "chances": {told: 1.0}}
    sample = " ".join(_NOISE.sub(" ", sample).split())
    if len(sample) < SAMPLE_CHARS_MIN:
        return {"by": "too-short"}
    part = _middle_of(sample, DETECTED_CHARS_MAX)
    values = _detector().compute_language_confidence_values(part)
    chances: dict[str, JsonValue] = {
        _DETECTED[one.language]: round(one.value, 3) for one in values if one.value
    }
    return {"by": "detector", "chances": chances}


def judged(asked: Facts, found: Facts) -> Verdict:
    """Return 1 for the expected language, 0 for surely another one, else why it is left open."""
    expected, chances = str(asked["language"]), found.get("chances")
    if expected in {"several", "other"}:
        return Verdict(unscored=f"language_{expected}")
    if not isinstance(chances, dict):
        return Verdict(unscored="too_short", expected=expected)
    if not chances:
        return Verdict(unscored="no_known_language", expected=expected)
    likely = {code: float(str(chance)) for code, chance in chances.items()}
    likeliest = max(likely, key=lambda code: likely[code])
    accepted = _ACCEPTED.get(expected, (expected,))
    if sum(likely.get(code, 0.0) for code in accepted) >= SURE:
        return Verdict(value=1.0, expected=expected, found=likeliest)
    is_close = likeliest in _CLOSE and not _CLOSE.isdisjoint(accepted)
    if likely[likeliest] < SURE or (is_close and found["by"] == "detector"):
        return Verdict(unscored="too_close", expected=expected, found=likeliest)
    return Verdict(value=0.0, expected=expected, found=likeliest)


@cache
def _detector() -> LanguageDetector:
    builder = LanguageDetectorBuilder.from_languages(*_DETECTED)
    return builder.with_low_accuracy_mode().with_preloaded_language_models().build()


def _latest_first(messages: Sequence[Message]) -> Iterator[Message]:
    """Yield what may hold an instruction: the user's turns, latest first, then the system's."""
    for roles in ({Role.USER}, {Role.SYSTEM, Role.DEVELOPER}):
        spoken = [message for message in messages if message.role in roles]
        yield from spoken[: -MESSAGES_READ_MAX - 1 : -1]


def _ends_of(text: str) -> str:
    """Return the start and the end of a text, where instructions stand."""
    half = MESSAGE_CHARS_MAX // 2
    return text if len(text) <= MESSAGE_CHARS_MAX else f"{text[:half]}\n{text[-half:]}"


def _named_in(text: str) -> Iterator[str]:
    """Yield the languages that the text asks for, not those that it only mentions."""
    if not any(name in text for name in _CODE_OF):
        return
    for match in _PHRASE.finditer(text):
        name = match["name"]
        before, after = text[max(0, match.start() - 100) : match.start()], text[match.end() :][:40]
        if name in _ENGLISH_NAMES and _NOUN_FOLLOWS.match(after):
            continue
        asking = _ASKING.search(before)
        asked_before = asking and not _REPORTED.search(asking[0])
        stands_alone = _CLAUSE_BEGINS.search(before) and _CLAUSE_ENDS.match(after)
        if asked_before or _POLITE_AFTER.match(after) or stands_alone:
            yield from (_CODE_OF[each] for each in (name, match["second"]) if each)


def _is_instructed_otherwise(messages: Sequence[Message], own: str) -> bool:
    """Return whether the instruction is in another language than the prompt as a whole.

    A letter in German under two lines of Danish is German as a whole; which language the answer
    should have is then anyone's guess.
    """
    latest = next((one.content for one in reversed(messages) if one.role is Role.USER), "")
    if len(latest) <= INSTRUCTION_CHARS:
        return False
    lines = latest.strip().splitlines()
    parts = (lines[0][:INSTRUCTION_CHARS], lines[-1][-INSTRUCTION_CHARS:]) if lines else ()
    family = _FAMILY.get(own, own)
    return any(_told_by(_families_in(part)) not in {None, family} for part in parts)


def _told_by(small_words: Mapping[str, int]) -> str | None:
    """Return the language whose small words are clearly ahead of all others', if there is one."""
    first, second = sorted(small_words, key=lambda code: small_words[code], reverse=True)[:2]
    is_ahead = small_words[first] - small_words[second] >= SMALL_WORDS_AHEAD
    return first if is_ahead else None


def _small_words_in(text: str) -> dict[str, int]:
    counted = Counter(map(_SPOKEN_WITH.get, _LETTERS.findall(text.lower())))
    hits = dict.fromkeys(_SMALL_WORDS, 0)
    for codes, count in counted.items():
        for code in codes or ():
            hits[code] += count
    return hits


def _families_in(text: str) -> dict[str, int]:
    hits: dict[str, int] = {}
    for code, count in _small_words_in(text).items():
        family = _FAMILY.get(code, code)
        hits[family] = max(hits.get(family, 0), count)
    return hits


def _middle_of(text: str, chars_max: int) -> str:
    """Return the middle of a text, past any preamble in the model's own English."""
    start = max(0, (len(text) - chars_max) // 2)
    return text[start : start + chars_max]


EXAMPLES: Final = (
    Example(
        prompt="Skriv et venligt svar til Klient_001 om, at pakken er forsinket.",
        language=Language.DANISH,
        answer="Kære Klient_001, tak for din henvendelse. Vi beklager, at din pakke er forsinket, "
        "og vi forventer, at den bliver leveret i løbet af de næste par dage.",
        verdict=Verdict(value=1.0, expected="da", found="da"),
    ),
    Example(
        prompt="Skriv et venligt svar til Klient_001 om, at pakken er forsinket.",
        language=Language.DANISH,
        answer="Dear Klient_001, thank you for writing to us. We are sorry that your parcel is "
        "late, and we expect it to be delivered within the next few days.",
        verdict=Verdict(value=0.0, expected="da", found="en"),
    ),
    Example(
        prompt="Kunden skrev på tysk. Svar ham på engelsk, og vær høflig.",
        language=Language.DANISH,
        answer="Dear Klient_001, thank you for your letter. We have looked into the matter and "
        "will send you a corrected invoice before the end of the week.",
        verdict=Verdict(value=1.0, expected="en", found="en"),
    ),
    Example(
        prompt="Summarise the letter below. Auf Deutsch, bitte.",
        language=Language.ENGLISH,
        answer="Der Kunde bittet um eine neue Rechnung, weil die erste einen falschen Betrag "
        "enthielt, und möchte außerdem wissen, wann die Lieferung ankommt.",
        verdict=Verdict(value=1.0, expected="de", found="de"),
    ),
    Example(
        prompt="What does termination without notice mean in German law?",
        language=Language.ENGLISH,
        answer="It means that either side may end the contract at once if there is an important "
        "reason, so that going on until the end of the notice period would be unreasonable.",
        verdict=Verdict(value=1.0, expected="en", found="en"),
    ),
    Example(
        prompt="Svar kunden på norsk.",
        language=Language.DANISH,
        answer="Hei Klient_001. Takk for at du tok kontakt med oss. Eg har sett på saka di, og vi "
        "sender deg ein ny faktura så snart vi kan. Du treng ikkje gjere noko meir no.",
        verdict=Verdict(value=1.0, expected="no", found="nn"),
    ),
    Example(
        prompt="Hvad hedder hovedstaden i Norge?",
        language=Language.DANISH,
        answer="Oslo.",
        verdict=Verdict(unscored="too_short", expected="da"),
    ),
    Example(
        prompt="Oversæt brevet til fransk.",
        language=Language.DANISH,
        answer="Bonjour Klient_001, nous vous remercions de votre lettre et nous vous enverrons "
        "une nouvelle facture dans les meilleurs délais.",
        verdict=Verdict(unscored="language_other"),
    ),
    Example(
        prompt="Skriv svaret både på dansk og på tysk.",
        language=Language.DANISH,
        answer="Tak for dit brev. Vi sender en ny faktura i morgen. Vielen Dank für Ihren Brief. "
        "Wir senden Ihnen morgen eine neue Rechnung.",
        verdict=Verdict(unscored="language_several"),
    ),
    Example(
        prompt="Klient_001, Klient_002",
        answer="Det er to kunder, som begge har skrevet til os i denne uge om deres fakturaer.",
        verdict=Verdict(unscored=UNASKED),
    ),
)
