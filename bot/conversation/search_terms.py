"""Search terms: the same text yields the same terms for the index and for queries.

Words are indexed stemmed and without accents, plus as written. Runs of scripts without spaces are split into
overlapping pairs of characters, in the index and in queries, so that a two-character word is found inside a sentence.
In the index the last character of a run is a token too: every character then begins a token, so a one-character word is
found by prefix. SQLite's tokenizer only splits at the spaces inserted here.
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
    "[\u0e40-\u0e44\u0ec0-\u0ec4]?"  # vowels written before their consonant
    r"[^\W_][\u0e30-\u0e3a\u0e45-\u0e4e\u0eb0-\u0ebc\u0ec8-\u0ecd\u102b-\u103e\u1056-\u1059\u17b4-\u17d3"
    r"\u1a55-\u1a7f\u1b34-\u1b44\ua9b3-\ua9c0]*"
)
_ONE_SYLLABLE = re.compile("^.(?:은|는|이|가|을|를|의|에|도|로|와|과|이랑|랑|이는|이가|한테|에서)?$")
"""A one-syllable Korean word, with or without a particle."""
_MARKS = "".join(chr(code) for code in range(0x300, 0x2000) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
_WORD = re.compile(rf"(?P<run>{RUN})|[^\W_{UNSPACED}]+(?:[{_MARKS}]+[^\W_{UNSPACED}]*)*")
"""Combining marks belong to a word, such as the vowels of Hindi."""
_SENTENCE_END = re.compile(r"[.!?…:\n\u3002\uff01\uff1f¿¡]")
_SENTENCES = re.compile(r"[^.!?…\n\u3002\uff01\uff1f؟।]+")
_DATE = re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)")
_NOT_SPOKEN = re.compile("\u00ad|(?<=[\u0400-\u04ff])['\u2019\u02bc](?=[\u0400-\u04ff])")
"""Soft hyphens, and the apostrophe inside Ukrainian words."""
KEYS_VERSION = f"1, PyStemmer {VERSION}"
"""The version of the terms in an index; a different one means that they must be rebuilt."""
MOST_LANGUAGES = 3
MOST_TERMS = 96
"""Only the first terms of a long message are considered; the index then searches for the rarest of them."""


def index_tokens(run: str) -> list[str]:
    """The pairs of a run, and its last character."""
    signs = _signs(run)
    return ["".join(signs[at : at + 2]) for at in range(len(signs))]


def pairs(run: str) -> list[str]:
    """The pairs of a run; a single character is itself."""
    signs = _signs(run)
    return ["".join(signs[at : at + 2]) for at in range(len(signs) - 1)] if len(signs) > 1 else signs


def query_tokens(run: str) -> list[tuple[str, bool]]:
    """The tokens to search for in a run, without stop words; True: match as a prefix."""
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


def is_prefix(token: str) -> bool:
    """Whether a token is a single character, which must match as a prefix."""
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
    """A text prepared for the index."""

    terms: str
    """Stemmed words, pairs of characters, numbers."""
    written: str
    """Words that differ from their stem, as written but without accents. Words equal to their stem are left out,
    because they would inflate the turn's length and distort its score."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """The terms of a query; `small_talk`: there are only stop words, so all of them are used."""

    terms: tuple[Term, ...]
    small_talk: bool = False


class _Word(NamedTuple):
    text: str
    """In lower case."""
    language: str | None
    certain: bool
    run: bool


def index_text(text: str, home: Sequence[str] = ()) -> IndexedText:
    """Prepare a text for the index; `home`: the chat's languages, most used first."""
    terms, written = [], []
    for word in _words(text, home):
        if word.run:
            terms += index_tokens(word.text)
        elif word.language is None:
            terms.append(fold(word.text))
        else:
            terms.append(stem(word.text, word.language))
            if (plain := fold(word.text)) != terms[-1]:
                written.append(plain)
    return IndexedText(" ".join(terms), " ".join(written))


def language_votes(text: str) -> Counter[str]:
    """The possible languages of a text with their evidence; summed over a chat, its own languages come first."""
    return votes({word for word, run, _ in _split_words(text) if not run})


def likely_languages(text: str, home: Sequence[str] = ()) -> tuple[str, ...]:
    """The possible languages of a text, likeliest first."""
    words = {word for word, run, _ in _split_words(text) if not run}
    unspaced = unspaced_language(text)
    scripts = {script_of(word) for word in words}
    recognized = languages_of(words, home).values()
    likely = [language for language, _ in votes(words).most_common(MOST_LANGUAGES)]
    usual = [language for script, language in USUAL.items() if script in scripts]
    return tuple(
        dict.fromkeys((*([unspaced] if unspaced else ()), *recognized, *likely, *home[:MOST_LANGUAGES], *usual))
    )


def parse_query(text: str, home: Sequence[str] = ()) -> SearchQuery:
    """The distinct words of a query in order, without stop words."""
    words = list(_words(text, home))
    names = _names(text)
    said = [term for word in words for term in _terms(word, home) if _is_meaningful(word, names)]
    meant = _distinct(said)
    return SearchQuery(meant) if meant else SearchQuery(all_query_terms(text, home), small_talk=True)


def all_query_terms(text: str, home: Sequence[str] = ()) -> tuple[Term, ...]:
    """All distinct words of a text in order."""
    return _distinct([term for word in _words(text, home) for term in _terms(word, home, every=True)])


def query_words(text: str, home: Sequence[str] = ()) -> list[str]:
    """The search words as written; empty if there are only stop words."""
    found = parse_query(text, home)
    return [] if found.small_talk else [term.written for term in found.terms]


def all_words(text: str) -> list[str]:
    """All distinct words of a text in order, as written."""
    return [term.written for term in all_query_terms(text)]


def date_words(at: date) -> str:
    """A date in words, as people write it."""
    return f"{at:%A} {at.day} {at:%B} {at.year}"


def _distinct(found: Sequence[Term]) -> tuple[Term, ...]:
    return tuple(dict.fromkeys(found))[:MOST_TERMS]


def _terms(word: _Word, home: Sequence[str], *, every: bool = False) -> list[Term]:
    if word.run:
        found = [(pair, is_prefix(pair)) for pair in pairs(word.text)] if every else query_tokens(word.text)
        return [Term(token, (), begins) for token, begins in found]
    if word.language is None:
        return [Term(fold(word.text))]
    script = script_of(word.text)
    usual = next((language for language in home if script_for(language) is script), None)
    return [
        Term(fold(word.text), tuple(dict.fromkeys(stem(word.text, code) for code in (word.language, usual) if code)))
    ]


def _is_meaningful(word: _Word, names: set[str]) -> bool:
    if word.run or word.text.isdecimal():
        return True
    if word.text in names and word.language != GERMAN:
        return True
    return len(word.text) > 1 and not (word.certain and word.text in stop_words(word.language))


def _words(text: str, home: Sequence[str]) -> Iterator[_Word]:
    """The words of a text, each with the language of its sentence, the text or the chat."""
    read = _split_words(text)
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
    ends = [match.end() for match in _SENTENCES.finditer(_normalize(text))]
    for _, words in groupby(read, lambda word: bisect_right(ends, word[2])):
        yield list(words)


def _split_words(text: str) -> list[tuple[str, bool, int]]:
    """(Lower-case word, whether it is a run, its position in the normalized text) of each word."""
    unified = _normalize(text)
    return [
        (match[0].casefold()[:LONGEST] if not match["run"] else match[0], match["run"] is not None, match.start())
        for match in _WORD.finditer(unified)
    ]


def _normalize(text: str) -> str:
    """The text with normalized letters and digits; a date becomes one word."""
    unified = _NOT_SPOKEN.sub("", unicodedata.normalize("NFKC", text))
    unified = unified if unified.isascii() else unified.translate(_digits())
    return _DATE.sub(r"\1\2\3", unified) if "-" in unified else unified


@cache
def _digits() -> dict[int, str]:
    """Translation of the digits of other scripts."""
    return {code: str(unicodedata.decimal(chr(code))) for code in range(128, 0x1FBFA) if chr(code).isdecimal()}


def _names(text: str) -> set[str]:
    """Words capitalized inside a sentence, such as "May" and "Will", in lower case.

    None if every word is capitalized; German capitalizes all nouns (see `_says`).
    """
    unified = _normalize(text)
    names, any_small, before = set(), False, 0
    for word in _WORD.finditer(unified):
        any_small = any_small or word[0][0].islower()
        if before and word[0][0].isupper() and not _SENTENCE_END.search(unified, before, word.start()):
            names.add(word[0].casefold())
        before = word.end()
    return names - {"i"} if any_small else set()
