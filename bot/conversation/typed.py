"""What people typed, told from what we write ourselves into the transcript.

Our own lines (a time, a forward's origin, a quote, what a message holds besides words, the frames of notes and of what
is recalled) have forms that anybody can type. So a typed line that has one of them, or looks as if it had, gets a
backslash before it, and no text of anybody renders to the bytes of ours. All else stays as it was typed.
"""

import re
import unicodedata

UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Characters that show nothing, and are no blanks for Unicode (its "default ignorable" ones, and the empty Braille)."""
_OPENING = "[\uff3b\u3010\u3014\u27e6\u301a\u2772\u2045\u298b\u298d\u298f\u2997\u27ec\ufe47\ufe5d"
_CLOSING = "]\uff3d\u3011\u3015\u27e7\u301b\u2773\u2046\u298c\u298e\u2990\u2998\u27ed\ufe48\ufe5e"
"""Square brackets, and what looks like them."""
_QUOTING = ">\uff1e\ufe65\u203a\u276f\u3009\u232a\u27e9"
_LONGEST = 200
"""Characters of a line that are looked at; ours say what they are before."""
_LOOKS = str.maketrans(
    {**dict.fromkeys(_OPENING, "["), **dict.fromkeys(_CLOSING, "]"), **dict.fromkeys(_QUOTING, ">")}
    | dict(zip("авеікмнорстухѕјԁһԛԝɡᴏ", "abeikmhopctyxsjdhqwgo", strict=True))
)
_KINDS = (
    "animation|live photo|photo|round video message|voice message|audio|document|sticker|story|paid media"
    "|live location|location|place|contact|closed poll|closed quiz|poll|quiz|checklist|dice|game|gift|upgrade of a"
    "|unique gift|giveaway|invoice|shared contacts|shared chat|data of the web app|picture of the|task|option"
)
_TIME = re.compile(r"\[\w{2,9}\.? \d{4}-\d\d-\d\d\b")
_FRAMES = re.compile(
    r"\[(?:forwarded from|link behind|earlier in this conversation|this comes from the chat program)\b"
)
_OURS = re.compile(
    rf"\[(?:(?:{_KINDS})[\],: ]|video(?: .*)?[,:] ?\w|a message (?:of|in) |a payment was made|sound: not readable"
    r"|file\b.*: (?:not readable|only |its |encoding|\d))"
)
_LINK = re.compile(r"\[[^\[\]]*\][(\[:]")
"""A link of Markdown, which none of ours can be: a bracket of ours ends its line, or a blank follows."""
_AUTHOR = re.compile(r">\s*[^:]{1,60}:\s+\S")
_TAG = re.compile(r"(?=<\s{0,8}/?\s{0,8}memory\b)", re.IGNORECASE)


def typed(text: str, *, quotes: bool = True, further: bool = True) -> str:
    """A text of somebody, in which no line is like one of ours.

    `quotes`: a line may pass for a quote or a time of ours too, since nothing stands before it. Without `further`,
    only its beginning may: what follows a line of their own can't be ours there.
    """
    lines = text.splitlines(keepends=True)
    for at, line in enumerate(lines):
        marked = _marked(line, quotes=quotes)
        if marked == line and not further and line.strip():
            break
        lines[at] = marked
    return _TAG.sub(r"\\", "".join(lines))


def _marked(line: str, *, quotes: bool) -> str:
    start = _start(line)
    if start == len(line):
        return line
    if line[start] in _OPENING:
        return f"{line[:start]}\\{line[start:]}" if _is_bracket_of_ours(line[start:], times=quotes) else line
    if not quotes or line[start] not in _QUOTING:
        return line
    if _AUTHOR.match(_skeleton(line[start:])):
        return f"{line[:start]}\\{line[start:]}"
    # A quote of Markdown needs no blank, and ours always have one.
    return ">" + line[1:].lstrip(" ") if line.startswith("> ") else line


def names_somebody(line: str) -> bool:
    """Whether a quoted line looks as if it named its author."""
    return _AUTHOR.match("> " + _skeleton(line)) is not None


def _is_bracket_of_ours(line: str, *, times: bool) -> bool:
    if not any(char in line for char in _CLOSING):
        return False
    shown = _skeleton(line)
    if times and _TIME.match(shown) is not None:
        return True
    return _FRAMES.match(shown) is not None or (_OURS.match(shown) is not None and _LINK.match(shown) is None)


def _start(line: str) -> int:
    """Where a line begins to show something."""
    return next((at for at, char in enumerate(line) if not _is_unseen(char)), len(line))


def _skeleton(line: str) -> str:
    """How a line looks: without what is not seen, in small letters, with one sort of brackets and of blanks."""
    plain = unicodedata.normalize("NFKC", line[:_LONGEST])
    seen = "".join(char for char in UNSEEN.sub("", plain) if unicodedata.category(char) not in ("Cf", "Mn"))
    return re.sub(r"\s+", " ", seen.casefold().translate(_LOOKS)).replace("[ ", "[")


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char)[0] in "CZ" or UNSEEN.match(char) is not None
