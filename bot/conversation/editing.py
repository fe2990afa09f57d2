"""A message that was edited: its words change in the transcript, and the last question is answered anew.

The prompt stays the same up to the changed turn. What has left the window changes in the transcript and its index, and
is told until the notes know it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.conversation.hearing import Hearing
from bot.conversation.indexing import Indexer
from bot.conversation.said import Said
from storage import Storage, Transaction
from storage.edits import Exchange, Stored
from storage.media import content_hash
from storage.records import Chat


@dataclass(frozen=True, slots=True)
class Editing:
    """Changes turns; `clock` gives Unix seconds."""

    storage: Storage
    hearing: Hearing
    indexer: Indexer
    clock: Callable[[], float]

    async def edit(
        self,
        chat: Chat,
        stored: Stored,
        said: Said,
        tx: Transaction,
        *,
        asks: bool,
        admits: Callable[[], bool],
        unread: bool = False,
    ) -> bool:
        """Put the message's new words in place of the old; `asks`: they are meant for the bot.

        `admits` is asked before they are answered. Returns False when it did not admit that: then they stand corrected.

        `unread`: what was in it could not be fetched again, so that pictures and sounds stay as they were; where it
        was a document, or words were heard in it, nothing changes, unless it could not be read in the first place.
        """
        never_read = bool(said.remarks) and all(remark in stored.content for remark in said.remarks)
        if unread and not never_read:  # what it was when it could be read still holds
            said = replace(said, remarks=())
        turn = await self.hearing.rendered(tx, chat, said, stored)
        before = await self.storage.media.of_turn(stored.turn_id)
        after = before if unread else [content_hash(one.data) for one in turn.media]
        if (turn.content == stored.content and after == before) or (unread and not before and not never_read):
            return True  # Telegram says that a message was edited when its preview or its reactions changed, too
        last = await self.storage.edits.last_exchange(chat.id)
        await self.storage.edits.change(tx, stored.turn_id, turn.content, turn.tokens)
        memory = await self.storage.memories.current(chat)
        if memory is not None and memory.text and stored.turn_id <= memory.through_turn:
            await self.storage.memories.changed(tx, stored.turn_id, self.clock())
        if not unread:
            await self.storage.media.keep(tx, stored.turn_id, turn.media)
        await self.indexer.changed(tx, chat.id, stored.turn_id)
        is_last = stored.turn_id in last.turn_ids
        if is_last and await self.storage.transcript.owed(chat.id) is not None:
            await self.storage.edits.caused(tx, stored.turn_id, said.sender_id)
            return True  # it is answered already, or about to be: with these words
        if not is_last and (not asks or stored.asked or not _is_newest(stored, last)):
            return True
        if not admits():
            return False
        if is_last and last.reply_id is not None:
            await self.storage.edits.answer_anew(tx, chat.id, last.reply_id, self.clock(), said.sender_id)
        else:
            await self.storage.edits.ask(tx, stored.turn_id, said.sender_id)
        return True


def _is_newest(stored: Stored, last: Exchange) -> bool:
    """Whether it was overheard after the last question."""
    return stored.turn_id > max((*last.turn_ids, last.reply_id or 0))
