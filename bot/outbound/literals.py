"""Words that strangers chose, in a text of ours: shown as code, so that nothing in them becomes a link or a command."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import islice

from telegram import MessageEntity, User

from bot.outbound.content import Rich, Text
from bot.outbound.convert import TEXT_ENTITIES


def with_literals(content: Rich | Text, literals: Collection[str]) -> Rich | Text:
    """The content with each of these words marked wherever it stands, as far as a message takes marks."""
    if isinstance(content, Rich) or not literals:
        return content
    marks = (entity for word in dict.fromkeys(literals) for entity in _marks(content.text, word))
    left = max(0, TEXT_ENTITIES - len(content.entities))
    return replace(content, entities=(*content.entities, *islice(marks, left)))


def with_mention(content: Rich | Text, user_id: int, name: str) -> Rich | Text:
    """The content with the name that it begins with as a mention of that person, who need not have a @username."""
    if isinstance(content, Rich) or not content.text.startswith(name):
        return content
    mention = MessageEntity(MessageEntity.TEXT_MENTION, 0, _units(name), user=User(user_id, name, is_bot=False))
    return replace(content, entities=(mention, *content.entities))


def _marks(text: str, word: str) -> Iterator[MessageEntity]:
    at, done, units = text.find(word), 0, 0
    while at >= 0 and word:
        units += _units(text[done:at])
        yield MessageEntity(MessageEntity.CODE, units, _units(word))
        at, done = text.find(word, at + len(word)), at


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
