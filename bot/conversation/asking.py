"""Whether a message asks for something, which is when looking back is worth the most; in any language, by its form."""

import re
from collections.abc import Sequence

from bot.conversation.wordlists import openings

_STAMP = re.compile(r"^\[\w{3} \d{4}-\d\d-\d\d \d\d:\d\d\] ", re.MULTILINE)
_QUOTE = re.compile(r"^> .*$|\[forwarded from [^\]\n]*\]$", re.MULTILINE)
_SPEAKER = re.compile(r"^\S[^:\n]{0,79}: ", re.MULTILINE)
_HANDLE = re.compile(r"@\w*bot\b[,:]?", re.IGNORECASE)
# The full-width marks of Chinese and Japanese are \uff01 and \uff1f.
_SENTENCE = re.compile(r"(?<=[.!?。\uff01\uff1f؟])\s*(?=\S)|\n+")
_MARKS = ("?", "\uff1f", "؟", "\u037e", "\u055e", "⸮")
"""And those of Arabic, Greek and Armenian."""
MOST_WORDS = 40
"""A longer message tells more than it asks."""


def plain(content: str) -> str:
    """A turn's own words: without the time stamp, the quote and the forward's line that were rendered into it."""
    return _QUOTE.sub("", _STAMP.sub("", content)).strip()


def unaddressed(said: str, names: Sequence[str]) -> str:
    """What is said in a group, without the speakers' names before it and those of the bot in it."""
    said = _HANDLE.sub(" ", _SPEAKER.sub("", said))
    for name in names:
        said = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)[,:]?", " ", said, flags=re.IGNORECASE)
    return said.strip()


def spoken(content: str) -> str:
    """A turn word for word: only the time is taken off that we wrote at its very start."""
    return content[len(stamp_of(content)) :]


def stamp_of(content: str) -> str:
    """The time that we wrote at the very start of a turn, or nothing."""
    match = _STAMP.match(content)
    return match[0] if match else ""


def asks(words: str) -> bool:
    """Whether the message does nothing but ask."""
    sentences = _sentences(words)
    if not sentences or len(words.split()) > MOST_WORDS:
        return False
    if all(sentence.endswith(_MARKS) for sentence in sentences):
        return True
    opening = sentences[0].split()[0].strip(",:;.!").casefold()
    return len(sentences) == 1 and opening in openings()


def question_in(words: str) -> str:
    """The sentences of a longer message that ask; empty when none does."""
    return " ".join(sentence for sentence in _sentences(words) if sentence.endswith(_MARKS))


def _sentences(words: str) -> list[str]:
    return [sentence.strip() for sentence in _SENTENCE.split(words) if sentence.strip()]
