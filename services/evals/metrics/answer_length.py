"""Whether an answer is as long as was asked: "højst fire sætninger", "in drei Sätzen", "100 ord".

A number counts as asked where a word such as "max" or "at least" stands before it, or where it says
what to write ("write two sentences", "med tre punkter"); "these two sentences" asks for nothing.
"""

import re
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from services.evals.metrics.base import Example, Facts, Verdict
from shared.contracts.requests import RequestRedacted, Role

NAME: Final = "answer_length"
VERSION: Final = 1
UNASKED: Final = "nothing_asked"

MESSAGES_READ_MAX: Final = 4
MESSAGE_CHARS_MAX: Final = 4_000
ABOUT: Final = 0.2
"""How far "about 100 words" may be missed by, either way, as a share of the number."""
NEARLY: Final = 0.1
"""The same for a bare count of words or characters, which nobody meets to the letter."""
_FREE_LINE_WORDS_MIN: Final = 4
"""A line without a full stop is a sentence from here on; below it is a greeting or a heading."""

_NUMBERS: Final = {
    1: "en et ett én ét ei ein eine einem einen einer one a single",
    2: "to två zwei two",
    3: "tre drei three",
    4: "fire fyra vier four",
    5: "fem fünf five",
    6: "seks sex sechs six",
    7: "syv sju sieben seven",
    8: "otte åtte åtta acht eight",
    9: "ni nio neun nine",
    10: "ti tio zehn ten",
    11: "elleve elva elf eleven",
    12: "tolv zwölf twelve",
    15: "femten femton fünfzehn fifteen",
    20: "tyve tjue tjugo zwanzig twenty",
    30: "tredive tretti trettio dreißig thirty",
    40: "fyrre førti fyrtio vierzig forty",
    50: "halvtreds femti femtio fünfzig fifty",
    100: "hundrede hundre hundra hundert hundred",
    200: "tohundrede tohundre tvåhundra zweihundert",
}
_UNITS: Final = {
    "sentences": r"sætning(?:er)?|setning(?:ar|er)?|meningar|sätzen?|satz|sentences?",
    "words": r"ord|words?|wörtern?|worten?",
    "bullets": r"punkte?(?:r|n)?|kulepunkte?r?|punktar|stichpunkten?|aufzählungspunkten?"
    r"|bullet[ -]?points?|bullets?|points?",
    "lines": r"linjer?|rader|zeilen?|lines?",
    "paragraphs": r"afsnit|avsnitt|stycken?|absätzen?|absatz|paragraphs?",
    "characters": r"tegn|teikn|tecken|zeichen|characters?",
}
_BOUNDS: Final = {
    "max": r"højst|højest|høyst|høgst|högst|maks(?:imalt|imum)?\.?|max(?:imal(?:t|ly)?|imum)?\.?"
    r"|ikke (?:mere end|mer enn|over)|ikkje meir enn|inte mer än|under|mindre (?:end|enn|än)"
    r"|færre (?:end|enn)|op til|opp til|upp till|at most|(?:no|not) more than|up to"
    r"|(?:less|fewer) than|within|höchstens|nicht mehr als|bis zu|weniger als|inden for|innenfor",
    "min": r"mindst|minst|ikke (?:mindre end|under)|at least|(?:no|not) (?:less|fewer) than"
    r"|mindestens|minimum",
    "about": r"ca\.?|cirka|zirka|circa|omkring|omtrent|om lag|ungefär|rundt|rund|etwa|ungefähr"
    r"|about|around|roughly|approximately|approx\.?",
}
_EXACTLY: Final = r"præcis|nøjagtig|nøyaktig|exakt|genau|exactly|precisely"
_WRITING: Final = (
    r"i|på|med|in|mit|auf|with|using|to|om|som|as|skriv|giv|gi|ge|gje|lav|lag|gör|nævn|list"
    r"|write|give|make|provide|name|schreibe?n?|gib|geben|nenne?n?|formuliere?n?|verfasse?n?"
    r"|sie|mig|meg|me|mir|us|oss|kun|bare|only|nur|just|bara|endast|svar|answer|antworte"
    r"|a|an|en|et|ett|ein|eine|einen|between|mellem|mellom|mellan|zwischen"
)
_EACH: Final = r"hver|hvert|each|every|per|pr|pro|je|jede[rsmn]?|jeweils|varje|var|kvar|kvart"
_DASH: Final = r"-|–|til|till|bis|to|or|eller|oder|and|og|och|und"


def _either(*words: str) -> str:
    return "|".join(sorted(" ".join(words).split(), key=len, reverse=True))


def _named(patterns: dict[str, str]) -> str:
    return "|".join(f"(?P<{name}>{pattern})" for name, pattern in patterns.items())


_VALUE_OF: Final = {word: value for value, words in _NUMBERS.items() for word in words.split()}
_NUMBER: Final = rf"\d{{1,5}}|{_either(*_NUMBERS.values())}"
_UNIT: Final = re.compile(rf"\b(?:{_named(_UNITS)})\b")
_BEFORE: Final = re.compile(
    rf"(?:\b(?:{_named(_BOUNDS)}|(?P<exact>{_EXACTLY})|(?P<writing>{_WRITING}))\s+"
    r"|(?P<alone>(?:^|[.:;!?\n(])\s*))"
    rf"(?P<low>{_NUMBER})(?:\s*(?:{_DASH})\s*(?P<high>{_NUMBER}))?"
    # "three short sentences", "a 100-word summary", but not "two letters and sentences".
    r"(?:[\s-]+(?!(?:og|and|und|och)\b)[^\W\d_]+)?[\s-]+$",
)
_EACH_BEFORE: Final = re.compile(rf"\b(?:{_EACH})\b[^.!?\n]*$")
_EACH_AFTER: Final = re.compile(rf"\s+(?:i |in )?(?:{_EACH})\b")
_AT_MOST_AFTER: Final = re.compile(
    r"\s+(?:eller (?:mindre|færre)|or (?:less|fewer)|oder weniger|max|maks|højst|høyst|höchstens)",
)
_CLAUSE_ENDS: Final = re.compile(r"\s*(?:[.!?;:)\n]|,\s*(?:tak|bitte|please)|max|maks|$)")
_STEMS: Final = (
    *("ætning", "setning", "meningar", "sätz", "satz", "sentence", "ord", "wörter", "worte"),
    *("punkt", "bullet", "point", "linje", "rader", "zeile", "line", "afsnit", "avsnitt"),
    *("stycke", "absätz", "absatz", "paragraph", "tegn", "teikn", "tecken", "zeichen", "character"),
)
"""Without one of these no unit can match: a look for them costs a tenth of the pattern."""

_WORD: Final = re.compile(r"[^\W_]\S*")
_CODE: Final = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_WRAPPED: Final = re.compile(r"(?<=[^\s.!?:])\n(?=[a-zæøåäöü])")
# Possessive, and blanks not \s: a run of dots or of empty lines must not take quadratic time.
_BULLET: Final = re.compile(r"^[ \t]*+(?:[-*•–]|\d{1,2}[.)])[ \t]+", re.MULTILINE)
_ABBREVIATED: Final = re.compile(
    r"ca|nr|kr|kl|evt|jf|pkt|stk|tlf|osv|dvs|mv|hr|fr|dr|frk|usw|bzw|ggf|abs|art|str|etc|mr|mrs|ms"
    r"|no|vs|inkl|ekskl|max|maks|[a-zæøåäöü]{1,3}(?:\.[a-zæøåäöü]{1,3})+"
)
_END: Final = re.compile(r"(?<![.!?…])[.!?…]++[\"»”’)\]]*+(?=\s|$)")


def asked(request: RequestRedacted) -> Facts:
    """Return what the latest message that asks for a length asks for."""
    spoken = [one for one in request.messages if one.role in {Role.USER, Role.SYSTEM}]
    for message in spoken[: -MESSAGES_READ_MAX - 1 : -1]:
        wanted = list(_wanted_in(_ends_of(message.content).lower()))
        if wanted:
            return {"wanted": wanted}
    return {}


def found(answer: str) -> Facts:
    """Return how many there are of each unit."""
    text = _WRAPPED.sub(" ", _CODE.sub(" ", answer)).strip()
    lines = [line for line in text.splitlines() if line.strip()]
    return {
        "sentences": sum(_sentences_in(line) for line in lines),
        "words": len(_WORD.findall(text)),
        "bullets": len(_BULLET.findall(text)),
        "lines": len(lines),
        "paragraphs": len([part for part in re.split(r"\n\s*\n", text) if part.strip()]),
        "characters": len(text),
    }


def judged(asked: Facts, found: Facts) -> Verdict:
    """Return the verdict on the wish that was met worst: 1 within it, less the further beyond."""
    wishes = asked["wanted"]
    assert isinstance(wishes, list)
    return min((_judged_one(wish, found) for wish in wishes), key=lambda one: one.value or 0.0)


def _judged_one(wish: JsonValue, found: Facts) -> Verdict:
    assert isinstance(wish, dict)
    unit, low, high = str(wish["unit"]), _int(wish.get("min")), _int(wish.get("max"))
    count = _int(found[unit]) or 0
    missed = 0.0
    if high is not None and count > high:
        missed = (count - high) / high
    elif low is not None and count < low:
        missed = (low - count) / low
    wanted = "-".join(str(bound) for bound in dict.fromkeys((low, high)) if bound is not None)
    sense = "max-" if low is None else "min-" if high is None else ""
    return Verdict(
        value=round(max(0.0, 1.0 - missed), 3),
        expected=f"{sense}{wanted}-{unit}",
        found=f"{count}-{unit}",
    )


def _ends_of(text: str) -> str:
    half = MESSAGE_CHARS_MAX // 2
    return text if len(text) <= MESSAGE_CHARS_MAX else f"{text[:half]}\n{text[-half:]}"


def _wanted_in(text: str) -> Iterator[JsonValue]:
    if not any(stem in text for stem in _STEMS):
        return
    for unit in _UNIT.finditer(text):
        before, after = text[max(0, unit.start() - 60) : unit.start()], text[unit.end() :][:40]
        match = _BEFORE.search(before)
        if match is None or _EACH_AFTER.match(after):
            continue
        if _EACH_BEFORE.search(before[: match.start()]):
            continue
        if match["alone"] is not None and not _CLAUSE_ENDS.match(after):
            continue
        yield _wish(match, str(unit.lastgroup), at_most=bool(_AT_MOST_AFTER.match(after)))


def _wish(match: re.Match[str], unit: str, *, at_most: bool) -> JsonValue:
    low = _value(match["low"])
    high = _value(match["high"]) if match["high"] else low
    if match["max"] or at_most:
        return {"unit": unit, "max": high}
    if match["min"]:
        return {"unit": unit, "min": low}
    slack = 0.0
    if match["about"]:
        slack = ABOUT
    elif unit in {"words", "characters"} and not match["exact"] and not match["high"]:
        slack = NEARLY
    return {"unit": unit, "min": round(low * (1 - slack)), "max": round(high * (1 + slack))}


def _value(word: str) -> int:
    return max(1, int(word)) if word.isdigit() else _VALUE_OF[word]


def _sentences_in(line: str) -> int:
    ended = start = 0
    for end in _END.finditer(line):
        if end[0] != "." or not _is_abbreviated(line, end.start()):
            ended, start = ended + 1, end.end()
    rest = line[start:].rstrip()
    is_free = not rest.endswith((",", ":")) and len(_WORD.findall(rest)) >= _FREE_LINE_WORDS_MIN
    return ended + is_free


def _is_abbreviated(line: str, stop: int) -> bool:
    """Return whether this full stop ends no sentence: "bl.a.", "z.B.", "ca.", "3. marts"."""
    word = re.split(r"[\s(]", line[max(0, stop - 12) : stop].lower())[-1]
    if word.isdigit():
        return len(word) <= 2 and stop + 1 < len(line.rstrip())  # noqa: PLR2004  A day or a rank.
    return _ABBREVIATED.fullmatch(word) is not None


def _int(value: JsonValue) -> int | None:
    return None if value is None else int(str(value))


_FOUR: Final = (
    "Vi har set på sagen. Fejlen er rettet. Der kommer en ny faktura. Tak for tålmodigheden."
)
EXAMPLES: Final = (
    Example(
        prompt="Svar kunden i højst fire sætninger.",
        answer=f"Kære Klient_001,\n\n{_FOUR}\n\nMed venlig hilsen\nKundeservice",
        verdict=Verdict(value=1.0, expected="max-4-sentences", found="4-sentences"),
    ),
    Example(
        prompt="Svar i maks. 3 sætninger, og skriv at beløbet bl.a. dækker den 3. rate.",
        answer=_FOUR,
        verdict=Verdict(value=0.667, expected="max-3-sentences", found="4-sentences"),
    ),
    Example(
        prompt="Fasse den Brief in drei Sätzen zusammen.",
        answer="Der Kunde hat, z.B. am 3. Mai, zweimal geschrieben. Er will ca. 40 Euro zurück. "
        "Er bittet um Antwort.",
        verdict=Verdict(value=1.0, expected="3-sentences", found="3-sentences"),
    ),
    Example(
        prompt="Gi meg 2 setninger om saken.",
        answer="Saken er løst. Kunden har fått svar. Fakturaen er rettet. Vi følger opp.",
        verdict=Verdict(value=0.0, expected="2-sentences", found="4-sentences"),
    ),
    Example(
        prompt="Skriv svaret på max 10 ord.",
        answer="Vi sender dig en ny faktura i morgen, og så er sagen lukket.",
        verdict=Verdict(value=0.7, expected="max-10-words", found="13-words"),
    ),
    Example(
        prompt="Ge mig högst tre meningar.",
        answer="Ärendet är löst. Kunden har fått svar.",
        verdict=Verdict(value=1.0, expected="max-3-sentences", found="2-sentences"),
    ),
    Example(
        prompt="List the main complaints as at most 5 bullet points.",
        answer="- The invoice is wrong\n- The parcel is late\n- Nobody answers",
        verdict=Verdict(value=1.0, expected="max-5-bullets", found="3-bullets"),
    ),
    Example(
        prompt="Write a summary of about ten words.",
        answer="The customer wants a new invoice and an answer before Friday noon.",
        verdict=Verdict(value=1.0, expected="8-12-words", found="12-words"),
    ),
    Example(
        prompt="Skriv 2-3 korte afsnit.",
        answer="Tak for dit brev.\n\nVi ser på sagen.\n\nDu hører fra os.\n\nHav en god dag.",
        verdict=Verdict(value=0.667, expected="2-3-paragraphs", found="4-paragraphs"),
    ),
    Example(
        prompt="Write three bullet points with at most ten words each.",
        answer="- One thing\n- Another thing\n- A third thing",
        verdict=Verdict(value=1.0, expected="3-bullets", found="3-bullets"),
    ),
    Example(
        prompt="Forklar disse to sætninger for mig: vi beklager. Sagen er lukket.",
        answer="De siger, at firmaet er ked af det, og at der ikke sker mere.",
        verdict=Verdict(unscored=UNASKED),
    ),
    Example(
        prompt="Min ordre fra i mandags er ikke kommet, og ordet forsinket hører jeg hele tiden.",
        answer="Det er vi kede af.",
        verdict=Verdict(unscored=UNASKED),
    ),
)
