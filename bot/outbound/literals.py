"""Words that strangers chose, in a text of ours: shown as code, so that nothing in them becomes a link or a command."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from telegram import MessageEntity

from bot.outbound.content import Rich, Text


def with_literals(content: Rich | Text, literals: Collection[str]) -> Rich | Text:
    """The content with each of these words marked wherever it stands."""
    if isinstance(content, Rich) or not literals:
        return content
    marked = tuple(entity for word in dict.fromkeys(literals) for entity in _marks(content.text, word))
    return replace(content, entities=(*content.entities, *marked))


def _marks(text: str, word: str) -> Iterator[MessageEntity]:
    at = text.find(word)
    while at >= 0 and word:
        yield MessageEntity(MessageEntity.CODE, _units(text[:at]), _units(word))
        at = text.find(word, at + len(word))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
