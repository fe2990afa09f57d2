"""Conversations on their way out, piece by piece: their pictures are never in memory all at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from bot.archive import keepsake
from storage import Storage
from storage.archived import ArchivedChat, ArchivedTurn
from storage.records import Place

BLOCK = 50
"""Turns that are read and written at a time."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """Writes our own file."""

    storage: Storage

    async def everything(self) -> AsyncIterator[str]:
        """The file of all conversations."""
        before = "[\n"
        for place in await self.storage.archive.places():
            chat = await self.storage.archive.read(place)
            if chat is not None:
                yield before
                before = ",\n"
                async for piece in self.one(chat):
                    yield piece
        yield "[]\n" if before == "[\n" else "\n]\n"

    async def at(self, place: Place) -> AsyncIterator[str]:
        """The file of the conversation at one place; nothing when there is none."""
        chat = await self.storage.archive.read(place)
        if chat is not None:
            async for piece in self.one(chat):
                yield piece
            yield "\n"

    async def one(self, chat: ArchivedChat, *, with_media: bool = True) -> AsyncIterator[str]:
        """The file of one conversation, `with_media` or without its pictures and sounds."""
        left_out = not with_media and any(turn.media for turn in chat.turns)
        yield keepsake.opening(chat, media_left_out=left_out)
        for start in range(0, len(chat.turns), BLOCK):
            block = await self._block(chat.turns[start : start + BLOCK], with_media=with_media)
            yield f",\n{block}" if start else block
        yield keepsake.CLOSING

    async def _block(self, turns: Sequence[ArchivedTurn], *, with_media: bool) -> str:
        hashes = {medium.hash for turn in turns for medium in turn.media} if with_media else ()
        contents = await self.storage.media.contents(hashes) if hashes else {}
        return await asyncio.to_thread(lambda: ",\n".join(keepsake.lines(turns, contents)))
