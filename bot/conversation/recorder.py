"""Recording messages, and edits of them, as rows of the transcript.

Messages are rendered once, under names that are unique in the chat. After an edit, the prompt stays the same up to the
changed turn, and if it was part of the last question, that is answered again. A turn outside the window changes in the
transcript and index, and its new text is added to prompts until the memory includes it.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import tzinfo

from bot.conversation.incoming_message import (
    QUOTE_LENGTH,
    WHOLE_QUOTE_LENGTH,
    IncomingMessage,
    Quote,
    clean_name,
    render,
    render_continuation,
    separator,
    timestamp,
)
from bot.conversation.indexing import Indexer
from bot.conversation.query import timestamp_of
from bot.conversation.spoofing import skeleton
from bot.conversation.tokens import TokenCounter
from storage import Storage, Transaction
from storage.edits import Exchange, StoredTurn
from storage.media_store import content_hash
from storage.records import Chat, ChatKey, NewTurn


class TurnRecorder:
    """Stores messages. `names` are the bot's own; times are in `zone`, `clock` gives Unix seconds."""

    def __init__(
        self,
        storage: Storage,
        zone: tzinfo,
        count_tokens: TokenCounter,
        names: Collection[str],
        clock: Callable[[], float],
    ) -> None:
        self._storage = storage
        self._zone = zone
        self._count_tokens = count_tokens
        self._names = names
        self._clock = clock

    async def record(
        self,
        tx: Transaction,
        key: ChatKey,
        *,
        private: bool,
        messages: Sequence[IncomingMessage],
        asked: bool = True,
        begins: bool = False,
        language: str | None = None,
    ) -> Chat:
        """Store a user's messages. If the bot was `asked`, an answer is due; `begins`: it is begun at once."""
        chat = await self.chat(tx, key, private=private, language=language)
        named = [await self._named(tx, chat, message) for message in messages]
        turns, stamped_at = self._rendered(chat, named)
        await self._storage.transcript.append(tx, chat.id, turns, self._clock(), asked=asked)
        if asked and begins:
            await self._storage.transcript.begin_first(tx, chat.id, self._clock(), turns[-1].message_id)
        if stamped_at is not None:
            await self._storage.chats.stamp(tx, chat.id, stamped_at)
        return chat

    async def chat(self, tx: Transaction, key: ChatKey, *, private: bool, language: str | None) -> Chat:
        """The chat with this key, created if necessary; `language`: the app language (IETF) of the user who wrote."""
        chat = await self._storage.chats.ensure(tx, key, private=private, now=self._clock())
        if chat.gone or language != chat.heard_language:
            await self._storage.chats.heard(tx, chat.id, language)
        return chat

    async def rendered(self, tx: Transaction, chat: Chat, message: IncomingMessage, stored: StoredTurn) -> NewTurn:
        """An edited message in place of its old version, with the same timestamp and separator."""
        named = await self._named(tx, chat, message)
        content = timestamp_of(stored.content) + render(named) if stored.separator else render_continuation(named)
        return self._turn(named, content, stored.separator)

    async def in_view(self, key: ChatKey, message_id: int, tx: Transaction | None = None) -> bool:
        """Whether the prompt contains this message anyway."""
        chat = await self._storage.chats.find(key, tx)
        turn = await self._storage.history.of_message(chat.id, message_id, tx) if chat else None
        return chat is not None and turn is not None and turn.turn_id > await self._last_gone(chat, tx)

    async def attachments_in_view(self, key: ChatKey, message_id: int) -> bool:
        """Whether the prompt also contains the message's attachments: those of unaddressed messages weren't opened."""
        chat = await self._storage.chats.find(key)
        if chat is None or not await self.in_view(key, message_id):
            return False
        stored = await self._storage.edits.find(chat.id, message_id)
        return stored is None or stored.asked  # None: the bot's own message

    async def _last_gone(self, chat: Chat, tx: Transaction | None) -> int:
        """The last turn outside the window."""
        memory = await self._storage.memories.current(chat, tx)
        return max(chat.reset_turn, memory.through_turn if memory else 0)

    async def _named(self, tx: Transaction, chat: Chat, message: IncomingMessage) -> IncomingMessage:
        quote = await self._quoted(tx, chat, message.quote) if message.quote else None
        if quote is not None and quote.message_id is not None:
            refused = await self._storage.edits.is_left_out(chat.id, quote.message_id, tx)
            quote = None if refused else quote  # a reply must not bring back what the model refuses
        shown = clean_name(message.sender or "", self._names)
        if chat.private or message.sender_id is None:
            return replace(message, sender=shown, quote=quote)
        name = await self._storage.chats.speaker_name(tx, chat.id, message.sender_id, shown, skeleton)
        return replace(message, speaker=name, sender=name, quote=quote)

    async def _quoted(self, tx: Transaction, chat: Chat, quote: Quote) -> Quote:
        """The quote with its author's name as the prompt shows it."""
        if quote.author is not None:
            author = clean_name(quote.author, self._names)
            if quote.author_id is not None and not chat.private:
                author = await self._storage.chats.speaker_name(tx, chat.id, quote.author_id, author, skeleton)
            quote = replace(quote, author=author)
        return await self._shortened(tx, chat, quote)

    async def _shortened(self, tx: Transaction, chat: Chat, quote: Quote) -> Quote:
        """Shorten a quote of something in the prompt: it only has to identify the message."""
        seen = quote.message_id is not None and await self.in_view(chat.key, quote.message_id, tx)
        most = QUOTE_LENGTH if seen and quote.whole else WHOLE_QUOTE_LENGTH
        text = " ".join(quote.text.split()) if most == QUOTE_LENGTH else quote.text
        shortened = quote if len(text) <= most else replace(quote, text=text[:most].rstrip() + "…")
        if not quote.media:
            return shortened
        shown = await self._storage.media.of_chat(chat.id, await self._last_gone(chat, tx), tx)
        known = {medium.hash for media in shown.values() for medium in media}
        return replace(shortened, media=tuple(one for one in quote.media if content_hash(one.data) not in known))

    def _rendered(self, chat: Chat, messages: Sequence[IncomingMessage]) -> tuple[list[NewTurn], float | None]:
        turns: list[NewTurn] = []
        stamped_at, before = chat.stamped_at, None
        for message in messages:
            joint = separator(before, message)
            time = timestamp(message, stamped_at, self._zone) if joint else ""
            stamped_at = message.at.timestamp() if time else stamped_at
            turns.append(self._turn(message, time + render(message) if joint else render_continuation(message), joint))
            before = message
        return turns, stamped_at

    def _turn(self, message: IncomingMessage, content: str, separator: str) -> NewTurn:
        return NewTurn(
            content=content,
            separator=separator,
            tokens=self._count_tokens(content),
            message_id=message.message_id,
            sender_id=message.sender_id,
            speaker=message.sender,
            said_at=message.at.timestamp(),
            from_bot=message.from_bot,
            media=(*(message.quote.media if message.quote else ()), *message.media),
            digest=message.digest,
        )


class TurnEditor:
    """Applies edits; `clock` gives Unix seconds."""

    def __init__(self, storage: Storage, recorder: TurnRecorder, indexer: Indexer, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._recorder = recorder
        self._indexer = indexer
        self._clock = clock

    async def edit(
        self,
        chat: Chat,
        stored: StoredTurn,
        message: IncomingMessage,
        tx: Transaction,
        *,
        asks: bool,
        admits: Callable[[], Awaitable[bool]],
        unread: bool = False,
    ) -> bool:
        """Replace the message's text; `asks`: the new text is addressed to the bot.

        `admits` is called before an answer is due; if it returns False, so does this, and the text is only corrected.
        `unread`: attachments couldn't be fetched again, so pictures and sounds stay. If the attachment was a document
        or was transcribed, nothing changes, unless it couldn't be read the first time either.
        """
        never_read = bool(message.remarks) and all(remark in stored.content for remark in message.remarks)
        if unread and not never_read:  # its readable version still applies
            message = replace(message, remarks=())
        turn = await self._recorder.rendered(tx, chat, message, stored)
        before = await self._storage.media.of_turn(stored.turn_id, tx)
        after = before if unread else [content_hash(medium.data) for medium in turn.media]
        if (turn.content == stored.content and after == before) or (unread and not before and not never_read):
            return True  # Telegram also reports an edit when a preview or reactions change
        last = await self._storage.edits.last_exchange(chat.id, tx)
        await self._storage.edits.change(tx, stored.turn_id, turn.content, turn.tokens)
        memory = await self._storage.memories.current(chat, tx)
        if memory is not None and memory.text and stored.turn_id <= memory.through_turn:
            await self._storage.memories.changed(tx, stored.turn_id, self._clock())
        if not unread:
            await self._storage.media.keep(tx, stored.turn_id, turn.media)
        await self._indexer.changed(tx, chat.id, stored.turn_id)
        is_last = stored.turn_id in last.turn_ids
        if is_last and await self._storage.transcript.pending_reply(chat.id, tx) is not None:
            await self._storage.edits.caused(tx, stored.turn_id, message.sender_id)
            return True  # the pending answer will use these words
        if not is_last and (not asks or stored.asked or not _is_newest(stored, last)):
            return True
        if not await admits():
            return False
        if is_last and last.reply_id is not None:
            await self._storage.transcript.rewrite_reply(tx, chat.id, last.reply_id, self._clock(), message.sender_id)
        else:
            await self._storage.transcript.ask(tx, stored.turn_id)
            await self._storage.edits.caused(tx, stored.turn_id, message.sender_id)
        return True


def _is_newest(stored: StoredTurn, last: Exchange) -> bool:
    """Whether it was unaddressed talk after the last question."""
    return stored.turn_id > max((*last.turn_ids, last.reply_id or 0))
