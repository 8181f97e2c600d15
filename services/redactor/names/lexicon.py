"""Holds the dictionaries of names and words that recognisers look things up in."""

from dataclasses import dataclass
from importlib import resources
from typing import Final, Self

# Endings that make a surname of an unknown word. Danish definite nouns end in -elsen, -nsen and
# -ssen too (ledelsen, balancen, bussen), so a bare "sen" needs a dictionary or a first name.
_ENDINGS: Final = (
    "sson", "datter", "dottir", "dóttir", "gaard", "quist", "qvist", "kvist", "ström", "strøm",
    "mann", "berg", "stad", "wicz", "wski", "wska", "cki", "cka", "nski", "ński", "ńska", "ović",
    "ević", "enko", "oğlu", "oglu", "poulos", "escu", "shvili",
)  # fmt: skip
_SEN: Final = ("sen", "zen")
_NOUN_ENDINGS: Final = tuple(f"{letter}sen" for letter in "adeijnrsuøl")
_NO_S: Final = ("s", "x", "z", "ß")
_SPELLED_OUT: Final = str.maketrans(
    {"ä": "ae", "æ": "ae", "ö": "oe", "ø": "oe", "ü": "ue", "å": "aa", "ß": "ss"}
)
_ENDING_LETTERS_MIN: Final = 6


@dataclass(frozen=True, slots=True, repr=False)
class Lexicon:
    """Names and words in lower case."""

    first_names: frozenset[str]
    surnames: frozenset[str]
    ambiguous: frozenset[str]
    """Names that are also words: taken for a name only beside other signs of one."""
    words: frozenset[str]
    """Words that are never a name by themselves."""

    @classmethod
    def load(cls) -> Self:
        """Return the lexicon that is shipped with the redactor."""
        return cls(
            first_names=_spelled_out(_read("first_names.txt")),
            surnames=_spelled_out(_read("surnames.txt")),
            ambiguous=_read("ambiguous.txt"),
            words=_read("words.txt"),
        )

    def is_first_name(self, word: str) -> bool:
        return word in self.first_names

    def is_surname(self, word: str) -> bool:
        """Return whether `word` is a known surname or is built like one."""
        if word in self.surnames:
            return True
        if len(word) < _ENDING_LETTERS_MIN or word in self.words:
            return False
        return word.endswith(_ENDINGS) or (word.endswith(_SEN) and not word.endswith(_NOUN_ENDINGS))

    def is_name(self, word: str) -> bool:
        """Return whether `word` is a known name that is no everyday word."""
        known = word in self.first_names or self.is_surname(word)
        return known and word not in self.ambiguous

    def genitive_letters(self, word: str) -> int:
        """Return how many last letters of `word` are a genitive ending and no part of the name."""
        if word.endswith("'s"):
            return 2
        if not word.endswith("s") or word in self.first_names or word in self.surnames:
            return 0
        base = word[:-1]
        if base.endswith(_NO_S):
            return 0
        return 1 if base in self.first_names or self.is_surname(base) or base.endswith(_SEN) else 0


def _spelled_out(names: frozenset[str]) -> frozenset[str]:
    """Return the names, and those with umlauts also as keyboards without them write: Baerbel."""
    return names | {name.translate(_SPELLED_OUT) for name in names}


def _read(name: str) -> frozenset[str]:
    file = resources.files("services.redactor.names").joinpath("data", name)
    text = file.read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith(("#", "[")))
    return frozenset(word for line in lines for word in line.split())
