"""Exports conversations, as Markdown for readers or in the bot's own format.

Markdown is grouped by day and in the current language, with a line in place of each picture. The bot's own format is
produced piece by piece, so that its pictures are never in memory all at once.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, tzinfo

from bot.archive import native_format
from bot.conversation.query import strip_timestamp
from bot.language import long_date, texts
from storage.archived_chat import ArchivedChat, ArchivedTurn
from storage.chat_archive import ChatArchive
from storage.media_store import Media
from storage.records import ChatKey, MediaKind, Role

_QUOTE = re.compile(r"(?:> [^\n]*\n)+")
_HEAD = re.compile(r"^(?=[ \t]{0,3}(?:\*\*|__).{1,200}(?:\*\*|__),[ \t]*\d\d:\d\d[ \t]*$)", re.MULTILINE)
"""A line that looks like the heading of a message; it is escaped inside a message."""
_FORMATTING = re.compile(r"([\\`*_])")
BLOCK = 50
"""How many turns are read and written at a time."""


def to_markdown(chat: ArchivedChat, zone: tzinfo, bot_name: str) -> str:
    """The whole conversation as Markdown; `zone` is the time zone of its times."""
    blocks = [f"# {texts.MARKDOWN_TITLE}"]
    if chat.memory and chat.memory.text:
        blocks += [f"## {texts.MARKDOWN_NOTES}", quoted(chat.memory.text)]
    day, before = "", None
    for turn in chat.turns:
        at = datetime.fromtimestamp(turn.at, zone)
        today = f"## {long_date(at.date())}"
        words = _HEAD.sub(r"\\", _words(turn, private=chat.private))
        if before is not None and _continues(turn, before) and today == day:
            blocks[-1] += f"{turn.separator}{words}"
            continue
        blocks += [today] if today != day else []
        blocks += [f"**{_name(turn, bot_name)}**, {at:%H:%M}", "\n\n".join([*_media(turn), words]).strip()]
        day, before = today, turn
    return "\n\n".join(filter(None, blocks)) + "\n"


def _continues(turn: ArchivedTurn, before: ArchivedTurn) -> bool:
    """Whether a turn is the rest of a split message or an album that begins with the turn before it."""
    same_sender = turn.role is before.role is Role.USER and turn.sender_id == before.sender_id
    return same_sender and turn.separator != "\n\n"


def quoted(text: str) -> str:
    """A text as a Markdown quote."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _name(turn: ArchivedTurn, bot_name: str) -> str:
    name = bot_name if turn.role is Role.ASSISTANT else turn.speaker or texts.MARKDOWN_SOMEBODY
    return _FORMATTING.sub(r"\\\1", name)


def _media(turn: ArchivedTurn) -> Iterator[str]:
    shown = {MediaKind.IMAGE: texts.MARKDOWN_PICTURE, MediaKind.AUDIO: texts.MARKDOWN_SOUND}
    return (f"*({shown[medium.kind]})*" for medium in turn.media)


def _words(turn: ArchivedTurn, *, private: bool) -> str:
    """What was said, without the time, name and indentation that are added for the model."""
    if turn.role is Role.ASSISTANT:
        return turn.content
    words = strip_timestamp(turn.content)
    quote = _QUOTE.match(words)
    before, own = (quote[0] + "\n", words[quote.end() :]) if quote else ("", words)
    if not private:
        own = own.removeprefix(f"{turn.speaker}: ").replace("\n  ", "\n")
    return before + own


class Exporter:
    """Writes the bot's own format."""

    def __init__(
        self,
        archive: ChatArchive,
        media: Media,
    ) -> None:
        self._archive = archive
        self._media = media

    async def everything(self) -> AsyncIterator[str]:
        """All conversations as one file, in pieces."""
        before = "[\n"
        for key in await self._archive.keys():
            chat = await self._archive.read(key)
            if chat is not None:
                yield before
                before = ",\n"
                async for piece in self.one(chat):
                    yield piece
        yield "[]\n" if before == "[\n" else "\n]\n"

    async def chat(self, key: ChatKey) -> AsyncIterator[str]:
        """One chat as a file, in pieces; nothing if it doesn't exist."""
        chat = await self._archive.read(key)
        if chat is not None:
            async for piece in self.one(chat):
                yield piece
            yield "\n"

    async def one(self, chat: ArchivedChat, *, with_media: bool = True) -> AsyncIterator[str]:
        """One conversation as a file, in pieces; `with_media`: whether to include pictures and audio."""
        left_out = not with_media and any(turn.media for turn in chat.turns)
        yield native_format.opening(chat, media_left_out=left_out)
        for start in range(0, len(chat.turns), BLOCK):
            block = await self._block(chat.turns[start : start + BLOCK], with_media=with_media)
            yield f",\n{block}" if start else block
        yield native_format.CLOSING

    async def _block(self, turns: Sequence[ArchivedTurn], *, with_media: bool) -> str:
        hashes = {medium.hash for turn in turns for medium in turn.media} if with_media else ()
        contents = await self._media.contents(hashes) if hashes else {}
        return await asyncio.to_thread(lambda: ",\n".join(native_format.lines(turns, contents)))
