"""What people typed, told from what we write ourselves into the transcript.

Our own lines (a time, a forward's origin, a quote, what a message holds besides words, the frames of notes and of what
is recalled) have forms that anybody can type. So a typed line that has one of them, or looks as if it had, gets a
backslash before it, and no text of anybody renders to the bytes of ours. All else stays as it was typed.
"""

import re

from bot.conversation.lookalikes import ANGLES, QUOTING, is_closing, is_opening, is_unseen, readings, skeleton

_LONGEST = 200
"""Characters of a line that are looked at; ours say what they are before."""
_KINDS = (
    "animation|live photo|photo|round video message|voice message|audio|document|sticker|story|paid media"
    "|live location|location|place|contact|closed poll|closed quiz|poll|quiz|checklist|dice|game|gift|upgrade of a"
    "|unique gift|giveaway|invoice|shared contacts|shared chat|data of the web app|picture of the|task|option"
)
_TIME = re.compile(r"\[\w{2,9}\.? [\doil]{4}-[\doil]{2}-[\doil]{2}\b")
_FRAMES = re.compile(
    r"\[(?:forwarded from|link behind|earlier in this conversation|this comes from the chat program)\b"
)
_OURS = re.compile(
    rf"\[(?:(?:{_KINDS})[\],: ]|video(?: .*)?[,:] ?\w|a message (?:of|in) |a payment was made|sound: not readable"
    r"|file\b.*: \w)"
)
_LINK = re.compile(r"\[[^\[\]]*\][(\[:]")
"""A link of Markdown, which none of ours can be: a bracket of ours ends its line, or a blank follows."""
_JOINT = re.compile("[-_]")
"""Which may stand for a blank."""
_AUTHOR = re.compile(r">\s*[^:]{1,60}:\s+\S")
_EMPHASIS = "*_~`|"
_TAG = re.compile(r"(?=<\s{0,8}/?\s{0,8}memory\b)", re.IGNORECASE)
_ANGLE = re.compile(f"[{ANGLES}]")
_MAY_BE_TAG = re.compile(rf"[{ANGLES}](?:[\W_]{{0,100}}[mM\x80-\U0010ffff]|[\W_]{{100}})")
"""Without one, a line need not be looked at as it looks: most tags of HTML begin with another letter."""


def typed(text: str, *, quotes: bool = True) -> str:
    """A text of somebody, in which no line is like one of ours.

    `quotes`: a line may pass for a quote or a time of ours too, since nothing stands before it.
    """
    lines = (_untagged(_marked(line, quotes=quotes)) for line in text.splitlines(keepends=True))
    return _TAG.sub(r"\\", "".join(lines))


def _untagged(line: str) -> str:
    """A line in which nothing looks like the tags around our notes; those that are spelled so are marked by `_TAG`."""
    if line.isascii() or _MAY_BE_TAG.search(line) is None or _TAG.search(line) is not None:
        return line
    return _ANGLE.sub(r"\\\g<0>", line) if _TAG.search(skeleton(_ANGLE.sub("<", line))) else line


def _marked(line: str, *, quotes: bool) -> str:
    start = _start(line)
    if start == len(line):
        return line
    if is_opening(line[start]):
        return f"{line[:start]}\\{line[start:]}" if _is_bracket_of_ours(line[start:], times=quotes) else line
    if not quotes or line[start] not in QUOTING:
        return line
    if names_somebody(line[start + 1 :]):
        return f"{line[:start]}\\{line[start:]}"
    # A quote of Markdown needs no blank, and ours always have one.
    return ">" + line[1:].lstrip(" ") if line.startswith("> ") else line


def names_somebody(line: str) -> bool:
    """Whether a quoted line looks as if it named its author."""
    return _AUTHOR.match("> " + _skeleton(line)) is not None


def _is_bracket_of_ours(line: str, *, times: bool) -> bool:
    if not any(map(is_closing, line)):
        return False
    shown = _skeleton(line)
    if times and _TIME.match(shown) is not None:
        return True
    if _LINK.match(shown) is not None:
        return _FRAMES.match(shown) is not None
    if _FRAMES.match(_JOINT.sub(" ", shown)) is not None:
        return True
    return any(_FRAMES.match(one) or _OURS.match(one) for one in readings(shown))


def _start(line: str) -> int:
    """Where a line begins to show something: before a bracket, signs of emphasis are as good as nothing."""
    start = next((at for at, char in enumerate(line) if not is_unseen(char)), len(line))
    bare = next((at for at in range(start, len(line)) if not (line[at] in _EMPHASIS or is_unseen(line[at]))), start)
    return bare if is_opening(line[bare : bare + 1] or " ") else start


def _skeleton(line: str) -> str:
    return skeleton(line[:_LONGEST])
