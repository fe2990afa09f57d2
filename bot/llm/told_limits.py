"""How long a prompt may be, out of the words in which a server refuses one that is longer."""

import re

LEAST, MOST = 512, 10_000_000
"""Other numbers are no window of a model, in tokens."""

_ERROR_CODE = re.compile(r"(\binvalid params\b[^();]*)\(\d{4}\)")
"""MiniMax writes the number of the error behind its words."""
_RANGE = re.compile(r"[\[(]\s*\d+\s*(?:,|to|-)\s*(\d+)\s*[\])]")
_NUMBER = re.compile(r"(?<![\d.\w-])(\d{1,3}(?:[,_' ]\d{3})+(?!\d)|\d+)(?:\.0+\b)?(k\b)?")
_BOUND_BEFORE = re.compile(
    r"max|limit|window|\bcontext\b|n_ctx|capacity|\bonly\b|up to|at most|no more than"
    r"|(?:less|fewer|smaller|lower|shorter) than"
    r"|exceed|support|allow|(?:more|larger|longer|greater|bigger|higher) than|\bover\b|beyond|above|\/\s*$|[<>\u2264]"
    r"|最大|上限|限制|不(?:能|得|可)?超过|超过|超出|最多|上下文"
)
_BOUND_AFTER = re.compile(
    r"^[\s)\]]*(?:-?\s?tokens?)?[\s)\],]{0,3}(?:\(?max|limit|context|window|allowed|is the (?:max|limit)"
    r"|or (?:less|fewer))"
)
_ASKED = re.compile(
    r"(?:request\w*|sent|got|given|received|result\w*|contain\w*|your|you|total|has|have|had|actual\w*|found|was"
    r"|n_prompt_tokens|estimated|instead|too (?:long|large|many))\b[^.;\d]*$"
)
"""What was sent, and not what may be: the last of the words before a number decide."""
_ANSWER = re.compile(
    r"(?:max_(?:new_|completion_|output_)?tokens|completions?|outputs?|answers?|generat\w*)"
    r"\W{0,3}(?:tokens?)?(?: (?:should|must) be)?\W{0,3}$"
)
_ADDEND_BEFORE, _ADDEND_AFTER = re.compile(r"\d\s*[+-]\s*$"), re.compile(r"^\s*(?:[+-]\s*\d|/\s*\d)")
"""A part of a sum, or what is set against a bound behind a slash."""
_OTHER_UNIT_BEFORE = re.compile(
    r"(?:char(?:acter)?s?|bytes?|words?|字符数?|字数|字节数?)\W{0,3}(?:(?:is|are|of|为|是) ?)?\W{0,2}$"
    r"|(?:string|array) with (?:a )?max(?:imum)? length $"
)
_OTHER_UNIT = re.compile(r"^\W{0,2}(?:char|byte|[kmg]i?b\b|字符|字节|word|image|pixel|second|%|messages?\b|turns?\b)")


def told_limit(words: str) -> int | None:
    """The tokens that a prompt may have, as these words (in small letters) say; None: they don't."""
    found: list[int] = []
    words = _RANGE.sub(r"\1", _ERROR_CODE.sub(r"\1", words))
    end = 0
    for match in _NUMBER.finditer(words):
        before, after = words[max(end, match.start() - 90) : match.start()], words[match.end() : match.end() + 30]
        end = match.end()
        number = int(re.sub(r"\D", "", match[1])) * (1000 if match[2] else 1)
        if not LEAST <= number <= MOST or _OTHER_UNIT.search(after) or _ANSWER.search(before):
            continue
        if _OTHER_UNIT_BEFORE.search(before):
            continue
        if _ADDEND_AFTER.search(after) or _ADDEND_BEFORE.search(words[: match.start()][-12:]):
            continue
        if _BOUND_AFTER.search(after) or _is_bound(before):
            found.append(number)
    return min(found, default=None)


def _is_bound(before: str) -> bool:
    bound = max((match.end() for match in _BOUND_BEFORE.finditer(before)), default=0)
    return bound > 0 and not _ASKED.search(before[bound:])
