"""Scripts without blanks between words: their runs are taken in pairs of signs, on both sides.

So a word of two signs is found in the middle of a sentence. In the index the last sign of a run stands alone: wherever
a sign stands it begins a token, so that a word of one sign is found as a beginning.

Words as they are indexed and asked for: the same text gives the same terms on both sides.

Each word without its inflection and accents, and as it is written. Scripts without blanks are spread into pairs of
signs (``signs``). SQLite's tokenizer then only splits at the blanks that are put here.
"""

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import groupby
from typing import NamedTuple

from bot.conversation.stemming import (
    CLUSTERED,
    HAN,
    HANGUL,
    KANA,
    LONGEST,
    USUAL,
    VERSION,
    fold,
    is_han,
    script_for,
    script_of,
    stem,
    unspaced_language,
)
from bot.conversation.wordlists import GERMAN, languages_of, stop_words, votes
from storage.search import Term

RUN = rf"[{HAN}{KANA}]+|[{HANGUL}]+|[{CLUSTERED}]+"
UNSPACED = f"{HAN}{KANA}{HANGUL}{CLUSTERED}"
_CLUSTERED_RUN = re.compile(f"[{CLUSTERED}]+")
_CLUSTER = re.compile(
    "[\u0e40-\u0e44\u0ec0-\u0ec4]?"  # vowels that are written before their sign
    r"[^\W_][\u0e30-\u0e3a\u0e45-\u0e4e\u0eb0-\u0ebc\u0ec8-\u0ecd\u102b-\u103e\u1056-\u1059\u17b4-\u17d3"
    r"\u1a55-\u1a7f\u1b34-\u1b44\ua9b3-\ua9c0]*"
)
_ONE_SYLLABLE = re.compile("^.(?:은|는|이|가|을|를|의|에|도|로|와|과|이랑|랑|이는|이가|한테|에서)?$")
"""A Korean word of one sign with or without the particle behind it."""
_MARKS = "".join(chr(code) for code in range(0x300, 0x2000) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
_WORD = re.compile(rf"(?P<run>{RUN})|[^\W_{UNSPACED}]+(?:[{_MARKS}]+[^\W_{UNSPACED}]*)*")
"""Marks are parts of a word, such as the vowels of Hindi."""
_SENTENCE_END = re.compile(r"[.!?…:\n\u3002\uff01\uff1f¿¡]")
_SENTENCES = re.compile(r"[^.!?…\n\u3002\uff01\uff1f؟।]+")
_DATE = re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)")
_NOT_SPOKEN = re.compile("\u00ad|(?<=[\u0400-\u04ff])['\u2019\u02bc](?=[\u0400-\u04ff])")
"""Soft hyphens, and the apostrophe inside of Ukrainian words."""
KEYS_VERSION = f"1, PyStemmer {VERSION}"
"""Another version than the one that made the words in an index: they are made anew."""
MOST_LANGUAGES = 3
MOST_TERMS = 96
"""Of a long message the first terms are looked at; the index asks for the rarest of them."""


def indexed(run: str) -> list[str]:
    """The pairs of a run, and its last sign."""
    signs = _signs(run)
    return ["".join(signs[at : at + 2]) for at in range(len(signs))]


def pairs(run: str) -> list[str]:
    """The pairs of a run; a run of one sign is that sign."""
    signs = _signs(run)
    return ["".join(signs[at : at + 2]) for at in range(len(signs) - 1)] if len(signs) > 1 else signs


def asked(run: str) -> list[tuple[str, bool]]:
    """What a run asks for: pairs that say something, and signs that may be words; True: tokens that begin so."""
    language = unspaced_language(run)
    nothing, nothing_pairs = stop_words(language), _stop_pairs(language)
    if run in nothing:
        return []
    signs = _signs(run)
    found = [(pair, len(signs) == 1) for pair in pairs(run) if not _says_nothing(pair, nothing, nothing_pairs)]
    if language == "ko" and len(signs) > 1 and _ONE_SYLLABLE.match(run):
        found.append((signs[0], True))
    if language in ("zh", "ja") and len(signs) > 1:
        found += [(sign, True) for sign in signs if is_han(sign) and sign not in nothing]
    return found


def begins(token: str) -> bool:
    """Whether a token is one sign, which is the beginning of others."""
    return len(_signs(token)) == 1


def _says_nothing(pair: str, nothing: frozenset[str], nothing_pairs: frozenset[str]) -> bool:
    return pair in nothing or pair in nothing_pairs or all(sign in nothing for sign in pair)


@cache
def _stop_pairs(language: str | None) -> frozenset[str]:
    return frozenset(pair for word in stop_words(language) for pair in pairs(word) if len(_signs(word)) > 1)


def _signs(run: str) -> list[str]:
    if not _CLUSTERED_RUN.fullmatch(run):
        return list(run)
    return _CLUSTER.findall(run)


@dataclass(frozen=True, slots=True)
class IndexedText:
    """A text for the index."""

    terms: str
    """Words without their inflection; pairs of signs; numbers."""
    written: str
    """Words that are another than their stem, as they are written but for accents, which people leave out; with all of
    them a turn's length would weigh on its score."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What a text asks for; `small_talk`: it has no word that says anything, so all of them are asked for."""

    terms: tuple[Term, ...]
    small_talk: bool = False


class _Word(NamedTuple):
    text: str
    """In small letters."""
    language: str | None
    certain: bool
    run: bool


def spread(text: str, home: Sequence[str] = ()) -> IndexedText:
    """A text for the index; `home`: the languages of its chat, the most used first."""
    terms, written = [], []
    for word in _words(text, home):
        if word.run:
            terms += indexed(word.text)
        elif word.language is None:
            terms.append(fold(word.text))
        else:
            terms.append(stem(word.text, word.language))
            if (plain := fold(word.text)) != terms[-1]:
                written.append(plain)
    return IndexedText(" ".join(terms), " ".join(written))


def languages_in(text: str) -> Counter[str]:
    """Languages that a text may be in, each with how much speaks for it: in a chat's sum its own come first."""
    return votes({word for word, run, _ in _read(text) if not run})


def spoken_in(text: str, home: Sequence[str] = ()) -> tuple[str, ...]:
    """The languages that a text may be in, the likeliest first."""
    words = {word for word, run, _ in _read(text) if not run}
    unspaced = unspaced_language(text)
    scripts = {script_of(word) for word in words}
    told = languages_of(words, home).values()
    likely = [language for language, _ in votes(words).most_common(MOST_LANGUAGES)]
    usual = [language for script, language in USUAL.items() if script in scripts]
    return tuple(dict.fromkeys((*([unspaced] if unspaced else ()), *told, *likely, *home[:MOST_LANGUAGES], *usual)))


def sought(text: str, home: Sequence[str] = ()) -> SearchQuery:
    """What a text asks for: its distinct words without those that say nothing, in their order."""
    words = list(_words(text, home))
    names = _names(text)
    said = [term for word in words for term in _terms(word, home) if _says(word, names)]
    meant = _distinct(said)
    return SearchQuery(meant) if meant else SearchQuery(all_sought(text, home), small_talk=True)


def all_sought(text: str, home: Sequence[str] = ()) -> tuple[Term, ...]:
    """All distinct words of a text, in their order."""
    return _distinct([term for word in _words(text, home) for term in _terms(word, home, every=True)])


def terms(text: str, home: Sequence[str] = ()) -> list[str]:
    """What a text asks for, as it is written in it; empty when that is nothing."""
    found = sought(text, home)
    return [] if found.small_talk else [term.written for term in found.terms]


def all_terms(text: str) -> list[str]:
    """All distinct words of a text, in their order."""
    return [term.written for term in all_sought(text)]


def dated(at: date) -> str:
    """The words of a date, as people write them."""
    return f"{at:%A} {at.day} {at:%B} {at.year}"


def _distinct(found: Sequence[Term]) -> tuple[Term, ...]:
    return tuple(dict.fromkeys(found))[:MOST_TERMS]


def _terms(word: _Word, home: Sequence[str], *, every: bool = False) -> list[Term]:
    if word.run:
        found = [(pair, begins(pair)) for pair in pairs(word.text)] if every else asked(word.text)
        return [Term(token, (), begins) for token, begins in found]
    if word.language is None:
        return [Term(fold(word.text))]
    script = script_of(word.text)
    usual = next((language for language in home if script_for(language) is script), None)
    return [Term(fold(word.text), tuple(dict.fromkeys(stem(word.text, one) for one in (word.language, usual) if one)))]


def _says(word: _Word, names: set[str]) -> bool:
    if word.run or word.text.isdecimal():
        return True
    if word.text in names and word.language != GERMAN:
        return True
    return len(word.text) > 1 and not (word.certain and word.text in stop_words(word.language))


def _words(text: str, home: Sequence[str]) -> Iterator[_Word]:
    """The words of a text, each with the language of its sentence, of the whole text, or of the chat."""
    read = _read(text)
    whole = languages_of({word for word, run, _ in read if not run}, home)
    usual = {script: language for language in reversed(home) if (script := script_for(language)) is not None}
    for sentence in _sentences(text, read) if whole else [read]:
        alone = whole if len(sentence) == len(read) else languages_of({word for word, run, _ in sentence if not run})
        known = whole | alone
        languages = USUAL | usual | known
        for word, run, _ in sentence:
            script = None if run else script_of(word)
            yield _Word(word, languages[script] if script else None, script in known, run)


def _sentences(text: str, read: Sequence[tuple[str, bool, int]]) -> Iterator[list[tuple[str, bool, int]]]:
    ends = [match.end() for match in _SENTENCES.finditer(_unified(text))]
    for _, words in groupby(read, lambda word: bisect_right(ends, word[2])):
        yield list(words)


def _read(text: str) -> list[tuple[str, bool, int]]:
    """(Word in small letters, whether it is a run of signs, where it begins in the unified text)."""
    unified = _unified(text)
    return [
        (match[0].casefold()[:LONGEST] if not match["run"] else match[0], match["run"] is not None, match.start())
        for match in _WORD.finditer(unified)
    ]


def _unified(text: str) -> str:
    """One form of each letter and digit; a date is a word."""
    unified = _NOT_SPOKEN.sub("", unicodedata.normalize("NFKC", text))
    unified = unified if unified.isascii() else unified.translate(_digits())
    return _DATE.sub(r"\1\2\3", unified) if "-" in unified else unified


@cache
def _digits() -> dict[int, str]:
    """The digits of other scripts."""
    return {code: str(unicodedata.decimal(chr(code))) for code in range(128, 0x1FBFA) if chr(code).isdecimal()}


def _names(text: str) -> set[str]:
    """Words with a capital inside a sentence, such as "May" and "Will", as they are asked for.

    There are none in a text that has a capital on each word, and German has one on each noun.
    """
    unified = _unified(text)
    names, any_small, before = set(), False, 0
    for word in _WORD.finditer(unified):
        any_small = any_small or word[0][0].islower()
        if before and word[0][0].isupper() and not _SENTENCE_END.search(unified, before, word.start()):
            names.add(word[0].casefold())
        before = word.end()
    return names - {"i"} if any_small else set()
