"""How long a server asks to wait, where it says so in its words or in a field of an error."""

import re

from bot.llm.bodies import Told

_RETRY = re.compile(
    r"\b(?:(?:re)?try(?:ing)?(?: again)?|wait|available|resets?)\b[^.\d]{0,30}?\b(?:in|after|for)\W{1,3}"
    r"((?:\d+(?:\.\d+)?\s?(?:ms|milliseconds?|h(?:ours?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)\b\s*|\d+(?:\.\d+)?(?:h|m)(?=\d))+)"
)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|milli|h|m|s)")
_UNITS_S = {"ms": 0.001, "milli": 0.001, "h": 3600.0, "m": 60.0, "s": 1.0}


def told_wait(found: Told) -> float | None:
    """The seconds after which the server's words, or a field of theirs, want to be asked again."""
    if found.delay and (match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*s?\s*", found.delay)):
        return float(match[1])
    asked = _RETRY.search(found.words.lower())
    if asked is None:
        return None
    return sum(float(number) * _UNITS_S[unit] for number, unit in _SPAN.findall(asked[1]))
