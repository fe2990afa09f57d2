"""A title for a conversation, from its first words: a small question beside the answer, and a rule where it fails."""

import logging
import re
import unicodedata
from dataclasses import dataclass, replace

from bot.conversation.asking import plain, worded
from bot.conversation.choice import Choice
from bot.conversation.instructions import instruction
from bot.conversation.said import indented
from bot.conversation.sidecalls import SideCalls
from bot.errors import ModelError
from bot.llm.interface import Message
from storage import Storage
from storage.records import Chat, Role, Spoken

MOST_CHARACTERS = 60
MOST_BYTES = 128
"""Telegram takes 128 characters; its documents of another layer speak of bytes."""
FEW_WORDS = 6
"""Of what somebody said, where no model gives a title."""
MOST_READ = 600
"""Characters of each message that a title is made of."""
FIRST_TURNS = 4
MOST_WORDS = 5
"""Of a title that ends like a sentence."""

_MARKS = re.compile(r"[*_`#~|<>\[\]{}\"\u00ab\u00bb\u201c-\u201f\u300c-\u300f]+")
_LABEL = re.compile(r"^\W*(?:title|titel|título|titre|название|标题|標題)\W*[:\uff1a]\s*", re.IGNORECASE)
_ENDS = " \t'.,:;\u3002\uff0c\uff1a\uff1b\u2019\u2018"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Titles:
    """Makes them."""

    storage: Storage
    side_calls: SideCalls
    choice: Choice

    async def make(self, chat: Chat) -> str | None:
        """A title of what was said, empty where nothing can be made of it; None while nothing was answered.

        Nor is there one of what was reset or forgotten meanwhile.
        """
        turns = await self.storage.past.latest(chat.id, after_turn=chat.reset_turn, since=0.0, limit=FIRST_TURNS)
        if not any(turn.role is Role.ASSISTANT for turn in turns):
            return None
        title = await self._asked(chat, turns) or _of_first_words(turns) or ""
        return title if await self._stands(chat, turns) else None

    async def _stands(self, chat: Chat, turns: list[Spoken]) -> bool:
        now = await self.storage.chats.find(chat.place)
        ids = [turn.turn_id for turn in turns]
        left = await self.storage.past.of_ids(chat.id, ids)
        return now is not None and now.reset_turn < min(ids) and len(left) == len(ids)

    async def _asked(self, chat: Chat, turns: list[Spoken]) -> str | None:
        said = [f"{_speaker(turn)}: {indented(plain(turn.content)[:MOST_READ])}" for turn in turns]
        messages = (Message("system", instruction("title")), Message("user", "\n\n".join(said)))
        unthinking = replace(chat, choices=replace(chat.choices, thinking=False))
        try:
            answer = await self.side_calls.ask(unthinking, self.choice.model(chat), messages)
        except ModelError as exc:
            log.info("No title for chat %d from the model: %s", chat.id, exc)
            return None
        lines = [line for line in answer.splitlines() if line.strip()]
        is_title = len(lines) == 1 and len(lines[0]) <= 2 * MOST_CHARACTERS and not is_prose(lines[0])
        return titled(lines[0]) if is_title else None


def is_prose(line: str) -> bool:
    """Whether a model says something else ("I'm sorry, but I can't ..."), in any language: a title is no sentence."""
    bare = line.strip(" \t'\"*_`")
    ends = bare.endswith((".", "\u3002", "\uff0e", "\u0964")) and not bare.endswith("..")
    return ends and (len(bare.split()) >= MOST_WORDS or re.search("[,\uff0c\u3001\u060c]", bare) is not None)


def titled(words: str) -> str | None:
    """A title as Telegram takes it: one line without markup, cut at a word where it is long; None: nothing is left."""
    shown = "".join(one if unicodedata.category(one)[0] != "C" or one == "\u200d" else " " for one in words)
    bare = " ".join(_MARKS.sub(" ", _LABEL.sub("", shown)).split()).strip(_ENDS)
    short = _cut(bare).strip(_ENDS)
    return short if any(one.isalnum() for one in short) else None


def _of_first_words(turns: list[Spoken]) -> str | None:
    for turn in turns:
        said = worded(plain(turn.content)) if turn.role is Role.USER else ""
        title = titled(" ".join(said.split(maxsplit=FEW_WORDS)[:FEW_WORDS]))
        if title is not None:
            return title
    return None


def _cut(title: str) -> str:
    most = min(len(title), MOST_CHARACTERS)
    while len(title[:most].encode()) > MOST_BYTES:
        most -= 1
    if most == len(title):
        return title
    while most > 1 and (unicodedata.category(title[most])[0] == "M" or "\u200d" in title[most - 1 : most + 1]):
        most -= 1  # an accent, or the rest of an emoji, stays with what it stands on
    blank = title.rfind(" ", most // 2, most + 1)
    return title[: blank if blank > 0 else most]


def _speaker(turn: Spoken) -> str:
    return "The assistant" if turn.role is Role.ASSISTANT else "The person"
