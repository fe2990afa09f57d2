"""What people say becomes rows of the transcript: rendered once, under names that nobody else in the chat has.

A message that was edited: its words change in the transcript, and the last question is answered anew.

The prompt stays the same up to the changed turn. What has left the window changes in the transcript and its index, and
is told until the notes know it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from bot.conversation.incoming_message import (
    QUOTE_LENGTH,
    WHOLE_QUOTE_LENGTH,
    IncomingMessage,
    Quote,
    clean_name,
    continued,
    render,
    separator,
    stamp,
)
from bot.conversation.indexing import Indexer
from bot.conversation.query import stamp_of
from bot.conversation.spoofing import skeleton
from bot.conversation.tokens import TokenCounter
from storage import Storage, Transaction
from storage.edits import Exchange, StoredTurn
from storage.media_store import content_hash
from storage.records import Chat, ChatKey, NewTurn


@dataclass(frozen=True, slots=True)
class TurnRecorder:
    """Stores what is said. `names` are the bot's own; times are those of `zone`, `clock` gives Unix seconds."""

    storage: Storage
    zone: tzinfo
    count_tokens: TokenCounter
    names: Collection[str]
    clock: Callable[[], float]

    async def hear(
        self,
        tx: Transaction,
        place: ChatKey,
        *,
        private: bool,
        said: Sequence[IncomingMessage],
        asked: bool = True,
        language: str | None = None,
    ) -> Chat:
        """Store what a user said. When the bot was `asked`, an answer is owed from now on."""
        chat = await self.chat(tx, place, private=private, language=language)
        named = [await self._named(tx, chat, one) for one in said]
        turns, stamped_at = self._rendered(chat, named)
        await self.storage.transcript.append(tx, chat.id, turns, self.clock(), asked=asked)
        if stamped_at is not None:
            await self.storage.chats.stamp(tx, chat.id, stamped_at)
        return chat

    async def chat(self, tx: Transaction, place: ChatKey, *, private: bool, language: str | None) -> Chat:
        """The conversation at this place, where somebody whose apps are in this language (IETF) has just spoken."""
        chat = await self.storage.chats.ensure(tx, place, private=private, now=self.clock())
        if chat.gone or language != chat.heard_language:
            await self.storage.chats.heard(tx, chat.id, language)
        return chat

    async def rendered(self, tx: Transaction, chat: Chat, said: IncomingMessage, stored: StoredTurn) -> NewTurn:
        """A message in place of what it was before: with the same time, and joined as before."""
        named = await self._named(tx, chat, said)
        content = stamp_of(stored.content) + render(named) if stored.glue else continued(named)
        return self._turn(named, content, stored.glue)

    async def in_view(self, place: ChatKey, message_id: int) -> bool:
        """Whether the prompt has this message anyway."""
        chat = await self.storage.chats.find(place)
        turn = await self.storage.past.of_message(chat.id, message_id) if chat else None
        return chat is not None and turn is not None and turn.turn_id > await self._last_gone(chat)

    async def holds(self, place: ChatKey, message_id: int) -> bool:
        """Whether the prompt also has what is in the message: what was only overheard was not opened."""
        chat = await self.storage.chats.find(place)
        if chat is None or not await self.in_view(place, message_id):
            return False
        stored = await self.storage.edits.find(chat.id, message_id)
        return stored is None or stored.asked  # None: the bot's own

    async def _last_gone(self, chat: Chat) -> int:
        """The last turn that is not in view."""
        memory = await self.storage.memories.current(chat)
        return max(chat.reset_turn, memory.through_turn if memory else 0)

    async def _named(self, tx: Transaction, chat: Chat, said: IncomingMessage) -> IncomingMessage:
        quote = await self._quoted(tx, chat, said.quote) if said.quote else None
        if quote is not None and quote.message_id is not None:
            refused = await self.storage.edits.is_left_out(chat.id, quote.message_id)
            quote = None if refused else quote  # what the model may not be sent comes back by no reply to it
        shown = clean_name(said.sender or "", self.names)
        if chat.private or said.sender_id is None:
            return replace(said, sender=shown, quote=quote)
        name = await self.storage.speakers.name(tx, chat.id, said.sender_id, shown, skeleton)
        return replace(said, speaker=name, sender=name, quote=quote)

    async def _quoted(self, tx: Transaction, chat: Chat, quote: Quote) -> Quote:
        """With its author's name as it stands in the prompt."""
        if quote.author is not None:
            author = clean_name(quote.author, self.names)
            if quote.author_id is not None and not chat.private:
                author = await self.storage.speakers.name(tx, chat.id, quote.author_id, author, skeleton)
            quote = replace(quote, author=author)
        return await self._shortened(chat, quote)

    async def _shortened(self, chat: Chat, quote: Quote) -> Quote:
        """A quote of what stands in the prompt need only say which message is meant."""
        seen = quote.message_id is not None and await self.in_view(chat.place, quote.message_id)
        most = QUOTE_LENGTH if seen and quote.whole else WHOLE_QUOTE_LENGTH
        text = " ".join(quote.text.split()) if most == QUOTE_LENGTH else quote.text
        shortened = quote if len(text) <= most else replace(quote, text=text[:most].rstrip() + "…")
        if not quote.media:
            return shortened
        shown = await self.storage.media.of_chat(chat.id, await self._last_gone(chat))
        known = {medium.hash for media in shown.values() for medium in media}
        return replace(shortened, media=tuple(one for one in quote.media if content_hash(one.data) not in known))

    def _rendered(self, chat: Chat, said: Sequence[IncomingMessage]) -> tuple[list[NewTurn], float | None]:
        turns: list[NewTurn] = []
        stamped_at, before = chat.stamped_at, None
        for one in said:
            joint = separator(before, one)
            time = stamp(one, stamped_at, self.zone) if joint else ""
            stamped_at = one.at.timestamp() if time else stamped_at
            turns.append(self._turn(one, time + render(one) if joint else continued(one), joint))
            before = one
        return turns, stamped_at

    def _turn(self, said: IncomingMessage, content: str, joint: str) -> NewTurn:
        return NewTurn(
            content=content,
            glue=joint,
            tokens=self.count_tokens(content),
            message_id=said.message_id,
            sender_id=said.sender_id,
            speaker=said.sender,
            said_at=said.at.timestamp(),
            from_bot=said.from_bot,
            media=(*(said.quote.media if said.quote else ()), *said.media),
            digest=said.digest,
        )


@dataclass(frozen=True, slots=True)
class TurnEditor:
    """Changes turns; `clock` gives Unix seconds."""

    storage: Storage
    hearing: TurnRecorder
    indexer: Indexer
    clock: Callable[[], float]

    async def edit(
        self,
        chat: Chat,
        stored: StoredTurn,
        said: IncomingMessage,
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
            await self.storage.transcript.answer_anew(tx, chat.id, last.reply_id, self.clock(), said.sender_id)
        else:
            await self.storage.transcript.ask(tx, stored.turn_id)
            await self.storage.edits.caused(tx, stored.turn_id, said.sender_id)
        return True


def _is_newest(stored: StoredTurn, last: Exchange) -> bool:
    """Whether it was overheard after the last question."""
    return stored.turn_id > max((*last.turn_ids, last.reply_id or 0))
