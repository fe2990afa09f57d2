"""How long a server asks to wait, where it says so in its words or in a field of an error."""

import re

from bot.llm.bodies import Told

_SPANS = (
    r"((?:\d+(?:\.\d+)?\s?(?:ms|milliseconds?|d(?:ays?)?|h(?:ours?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)\b\s*"
    r"|\d+(?:\.\d+)?(?:h|m)(?=\d))+)"
)
_RETRY = re.compile(
    r"\b(?:(?:re)?try(?:ing)?(?: again)?|wait|available|resets?|cool ?down)\b"
    rf"(?:[^.\d]{{0,30}}?\b(?:in|after|for))?(?: about| approximately)?\W{{1,3}}{_SPANS}"
)
_SPAN = re.compile(r"(?<!\d)(\d+(?:\.\d+)?)\s?(ms|milli|d|h|m|s)")
_ONE = re.compile(r"\b(?:in|after|for|wait) (?:a|one|another) (second|minute|hour)\b")
_BARE = re.compile(r"\bretry[ _-]after\W{1,3}(\d+(?:\.\d+)?)(?![\d-])(?!\.\d|\s?\w)")
"""As in the header: seconds."""
_FOREIGN = re.compile(
    r"(?<!\d)(?P<number>\d+(?:\.\d+)?)\s?(?P<unit>秒|分)[钟鐘]?[之以]?[后後]|через (?P<amount>\d+) (?P<name>сек|мин)"
)
_UNITS_S = {
    "ms": 0.001,
    "milli": 0.001,
    "d": 86_400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "秒": 1,
    "分": 60,
    "сек": 1,
    "мин": 60,
}


def told_wait(found: Told) -> float | None:
    """The seconds after which the server's words, or a field of theirs, want to be asked again."""
    if found.delay and (match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*s?\s*", found.delay)):
        return float(match[1])
    words = found.words.lower()
    if asked := _RETRY.search(words):
        return sum(float(number) * _UNITS_S[unit] for number, unit in _SPAN.findall(asked[1]))
    if asked := _BARE.search(words):
        return float(asked[1])
    if asked := _FOREIGN.search(words):
        return float(asked["number"] or asked["amount"]) * _UNITS_S[asked["unit"] or asked["name"]]
    asked = _ONE.search(words)
    return _UNITS_S[asked[1][0]] if asked else None
