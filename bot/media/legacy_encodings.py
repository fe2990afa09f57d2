"""Detection of 8-bit and East Asian encodings, by the sender's language, a detector, and how plausible the text reads.

No single method suffices: a price list has few non-ASCII letters among Latin ones, which isn't enough for a detector,
but a language has few encodings. All are tried, and the most plausible result wins.

A text may be ASCII except for symbols such as € in places where such symbols occur (prices, quotes, bullets). In
another encoding the same byte would be a letter, but then it would be inside a word.
"""

import re
from dataclasses import dataclass

from bot.media.plausibility import faults

_PLACES = (
    r"(?m:^[ \t]*)[•·–—]",
    r"(?<=\s)[–—•|·](?=\s)",
    r"(?<=[0-9])[–×÷±](?=[0-9])",
    r"(?<![A-Za-z])[€£¥₪][ \xa0]?(?=[0-9])",
    r"(?<=[0-9])[ \xa0]?[€£¥₪](?![A-Za-z])",
    r"(?<![A-Za-z])§{1,2}[ \xa0]?(?=[0-9])",
    r"(?<![A-Za-z])[©№][ \xa0]?(?=[0-9])",
    r"(?m:^|(?<=[;,\t]))№(?=[;,\t ]|$)",
    r"(?<=[0-9])[ \xa0]?°(?![a-z])",
    r"(?<![A-Za-z])[±×÷][ ]?(?=[0-9])",
    r"(?<=[0-9\s])[½¼¾](?![A-Za-z])",
    r"(?<=[A-Za-z0-9])[²³®™](?![a-z])",
    r"(?<=[0-9])[ ]?µ(?=[A-Za-z])",
    r"(?<=[A-Za-z])’(?=(?:s|t|re|ll|ve|d|m)\b)",
    r"\b(?:[cdjlmnst]|qu)’(?=[a-z])",
    r"(?<=[a-z])…(?=\s|$)",
    r"(?<=[0-9])\xa0(?=[0-9%])",
)
_SIGNS = re.compile("|".join(_PLACES), re.IGNORECASE)
_QUOTED = re.compile(r"(?<![A-Za-z0-9])(?:“([^“”]*)”|„([^„“”]*)[“”]|«([^«»]*)»)(?![A-Za-z0-9])")
SAMPLE, BEFORE = 6_000, 40
"""The sample size in bytes, and how much context precedes the first non-ASCII byte of a line."""
_FOREIGN = re.compile(rb"[\x80-\xff]")
MOST_FAULTS = 0.45
"""Per byte; what reads worse isn't text."""
MOST_BROKEN = 0.02
"""The largest share of non-ASCII bytes that an encoding doesn't define."""
FEWEST_LETTERS, MOST_CAPITALS, TRUST_OF_LOWERED = 5, 0.8, 0.8
"""If a text has this many letters, mostly capitals, the detector is also given the lower-case text."""
DETECTOR_WEIGHT = 0.25
LANGUAGE_BONUS = 0.08
"""For an encoding used for the sender's language, in faults per byte."""
CLEAN, CLEAN_BONUS = 0.12, 0.2
"""A larger bonus if it reads almost without faults."""
TABLES: dict[str, float] = {
    "cp1252": 0.0,
    "cp1251": 0.0,
    "cp1250": 0.08,
    "gb18030": 0.0,
    "cp932": 0.02,
    "euc_jp": 0.02,
    "cp949": 0.02,
    "big5": 0.02,
    "cp1253": 0.02,
    "cp1254": 0.03,
    "cp1255": 0.02,
    "cp1256": 0.02,
    "cp1257": 0.08,
    "cp1258": 0.05,
    "cp874": 0.02,
    "koi8-r": 0.03,
    "koi8-u": 0.04,
    "cp866": 0.04,
    "cp850": 0.08,
    "cp852": 0.14,
    "mac-roman": 0.08,
    "iso8859-2": 0.1,
    "iso8859-5": 0.1,
    "iso8859-7": 0.05,
    "iso8859-15": 0.1,
    "mac-cyrillic": 0.1,
}
"""Python's encoding names, with a penalty for rarity in faults per byte."""
_CYRILLIC, _CENTRAL, _WESTERN = ("cp1251", "koi8-r", "cp866"), ("cp1250", "iso8859-2", "cp852"), ("cp1252", "cp850")
_OF_LANGUAGE = {
    **dict.fromkeys(("ru", "be", "bg", "mk", "kk", "ky", "tg", "mn"), _CYRILLIC),
    "uk": ("cp1251", "koi8-u", "cp866"),
    "sr": ("cp1250", "cp1251"),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "ro", "hr", "sl", "bs", "sq"), _CENTRAL),
    **dict.fromkeys(
        ("es", "ca", "fr", "de", "it", "nl", "pt", "da", "nb", "no", "sv", "fi", "is", "gl", "eu"), _WESTERN
    ),
    **dict.fromkeys(("tr", "az"), ("cp1254",)),
    **dict.fromkeys(("lt", "lv", "et"), ("cp1257",)),
    **dict.fromkeys(("ar", "fa", "ur"), ("cp1256",)),
    "zh": ("gb18030", "big5"),
    "ja": ("cp932", "euc_jp"),
    "ko": ("cp949",),
    "el": ("cp1253",),
    "he": ("cp1255",),
    "th": ("cp874",),
    "vi": ("cp1258",),
}
_DETECTORS = {"cp932": "shift_jis_2004", "euc_jp": "euc_jis_2004"}
"""The detector's names where they differ."""
_NAMES = {"cp874": "windows-874", "cp932": "shift_jis", "cp949": "euc-kr", "mac-roman": "macintosh"}


def are_signs(text: str) -> bool:
    """Whether the text is ASCII except for symbols in their usual places."""
    return _SIGNS.sub("", _QUOTED.sub(lambda found: found[0][1:-1].strip("\xa0"), text)).isascii()


@dataclass(frozen=True, slots=True)
class EncodingGuess:
    """A text and the usual name of its presumed encoding."""

    text: str
    encoding: str


def guess_encoding(data: bytes, language: str | None) -> EncodingGuess | None:
    """The most likely text, or None. `language` (IETF) is the sender's."""
    spoken = (language or "").lower().replace("_", "-").partition("-")[0]
    spoken = {"iw": "he", "no": "nb", "nn": "nb"}.get(spoken, spoken)
    sample = _sample(data)
    if (table := _table_of_symbols(sample, spoken)) is not None:
        return _decode_as(data, table)
    foreign = sum(byte > 0x7F for byte in sample)
    torn = len(sample) < len(data)
    texts = {table: _decode(sample, table) if torn else sample.decode(table, "replace") for table in TABLES}
    found = {table: faults(text, spoken) / foreign for table, text in texts.items()}
    costs = {table: bad + TABLES[table] for table, bad in found.items() if bad <= MOST_FAULTS}
    if not costs:
        return None
    mended = {table for table in costs if 0 < texts[table].count("\ufffd") <= MOST_BROKEN * foreign}
    lowered = {table for table in costs if _shouts(texts[table])}
    trust = _trust(sample, *(texts[table].replace("\ufffd", "").encode(table, "ignore") for table in mended))
    for table, trusted in _trust(*(texts[table].lower().encode(table, "ignore") for table in lowered)).items():
        trust[table] = max(trust.get(table, 0.0), TRUST_OF_LOWERED * trusted)
    for table in costs:
        costs[table] += DETECTOR_WEIGHT * (1 - trust.get(table, 0.0))
        if table in _OF_LANGUAGE.get(spoken, ()):
            costs[table] -= LANGUAGE_BONUS if found[table] > CLEAN else CLEAN_BONUS
    return _decode_as(data, min(costs, key=costs.__getitem__))


def _shouts(text: str) -> bool:
    """Whether nearly all letters are capitals, which the detector takes for small letters of another encoding."""
    letters = sum(map(str.isalpha, text))
    return letters >= FEWEST_LETTERS and sum(map(str.isupper, text)) > MOST_CAPITALS * letters


def _decode_as(data: bytes, table: str) -> EncodingGuess:
    name = _NAMES.get(table, table.replace("cp125", "windows-125").replace("_", "-"))
    return EncodingGuess(data.decode(table, "replace"), name)


def _table_of_symbols(sample: bytes, language: str) -> str | None:
    """The encoding in which there are only symbols: Windows' for the sender's language, or Western."""
    own = [table for table in _OF_LANGUAGE.get(language, ()) if table.startswith("cp125")]
    return next((table for table in (*own, "cp1252", "iso8859-15") if are_signs(_decode(sample, table))), None)


def _sample(data: bytes) -> bytes:
    """A short text, or the non-ASCII lines of a long one, up to the sample size."""
    if len(data) <= SAMPLE:
        return data
    lines_kept: list[bytes] = []
    size = 0
    for line in data.splitlines(keepends=True):
        first = _FOREIGN.search(line)
        if first is not None:
            start = max(0, first.start() - BEFORE)
            lines_kept.append(line[start : start + SAMPLE - size])
            size += len(lines_kept[-1])
            if size >= SAMPLE:
                break
    return b"".join(lines_kept)


def _decode(sample: bytes, table: str) -> str:
    """Decode the sample, which may end within a character."""
    for cut in range(4):
        try:
            return sample[: len(sample) - cut].decode(table)
        except UnicodeDecodeError as exc:
            if exc.end < len(sample) - cut:
                break
    return sample.decode(table, "replace")


def _trust(*samples: bytes) -> dict[str, float]:
    """The detector's confidence in each encoding, relative to its first choice.

    A single bad byte rules out the right encoding, so the detector is also asked without such bytes.
    """
    import chardet

    known = [_DETECTORS.get(table, table) for table in TABLES]
    names = {theirs: table for table, theirs in _DETECTORS.items()}
    trust: dict[str, float] = {}
    for sample in filter(None, dict.fromkeys(samples)):
        found = chardet.detect_all(sample, ignore_threshold=True, include_encodings=known, compat_names=False)
        pairs = [(names.get(name, name), float(guess["confidence"])) for guess in found if (name := guess["encoding"])]
        most = max((confidence for _, confidence in pairs), default=0.0) or 1.0
        for table, confidence in pairs:
            trust[table] = max(trust.get(table, 0.0), confidence / most)
    return trust
