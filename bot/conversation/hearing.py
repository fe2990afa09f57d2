"""What people say becomes rows of the transcript: rendered once, under names that nobody else in the chat has."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from bot.conversation.asking import stamp_of
from bot.conversation.lookalikes import skeleton
from bot.conversation.said import (
    QUOTE_LENGTH,
    WHOLE_QUOTE_LENGTH,
    Quoted,
    Said,
    clean_name,
    continued,
    glue,
    render,
    stamp,
)
from bot.conversation.tokens import TokenCounter
from storage import Storage, Transaction
from storage.edits import Stored
from storage.media import content_hash
from storage.records import Chat, NewTurn, Place


@dataclass(frozen=True, slots=True)
class Hearing:
    """Stores what is said. `names` are the bot's own; times are those of `zone`, `clock` gives Unix seconds."""

    storage: Storage
    zone: tzinfo
    count_tokens: TokenCounter
    names: Collection[str]
    clock: Callable[[], float]

    async def hear(
        self,
        tx: Transaction,
        place: Place,
        *,
        private: bool,
        said: Sequence[Said],
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

    async def chat(self, tx: Transaction, place: Place, *, private: bool, language: str | None) -> Chat:
        """The conversation at this place, where somebody whose apps are in this language (IETF) has just spoken."""
        chat = await self.storage.chats.ensure(tx, place, private=private, now=self.clock())
        if chat.gone or language != chat.heard_language:
            await self.storage.chats.heard(tx, chat.id, language)
        return chat

    async def rendered(self, tx: Transaction, chat: Chat, said: Said, stored: Stored) -> NewTurn:
        """A message in place of what it was before: with the same time, and joined as before."""
        named = await self._named(tx, chat, said)
        content = stamp_of(stored.content) + render(named) if stored.glue else continued(named)
        return self._turn(named, content, stored.glue)

    async def in_view(self, place: Place, message_id: int) -> bool:
        """Whether the prompt has this message anyway."""
        chat = await self.storage.chats.find(place)
        turn = await self.storage.past.of_message(chat.id, message_id) if chat else None
        return chat is not None and turn is not None and turn.turn_id > await self._last_gone(chat)

    async def holds(self, place: Place, message_id: int) -> bool:
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

    async def _named(self, tx: Transaction, chat: Chat, said: Said) -> Said:
        quote = await self._quoted(tx, chat, said.quote) if said.quote else None
        if quote is not None and quote.message_id is not None:
            refused = await self.storage.transcript.is_left_out(chat.id, quote.message_id)
            quote = None if refused else quote  # what the model may not be sent comes back by no reply to it
        shown = clean_name(said.sender or "", self.names)
        if chat.private or said.sender_id is None:
            return replace(said, sender=shown, quote=quote)
        name = await self.storage.speakers.name(tx, chat.id, said.sender_id, shown, skeleton)
        return replace(said, speaker=name, sender=name, quote=quote)

    async def _quoted(self, tx: Transaction, chat: Chat, quote: Quoted) -> Quoted:
        """With its author's name as it stands in the prompt."""
        if quote.author is not None:
            author = clean_name(quote.author, self.names)
            if quote.author_id is not None and not chat.private:
                author = await self.storage.speakers.name(tx, chat.id, quote.author_id, author, skeleton)
            quote = replace(quote, author=author)
        return await self._shortened(chat, quote)

    async def _shortened(self, chat: Chat, quote: Quoted) -> Quoted:
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

    def _rendered(self, chat: Chat, said: Sequence[Said]) -> tuple[list[NewTurn], float | None]:
        turns: list[NewTurn] = []
        stamped_at, before = chat.stamped_at, None
        for one in said:
            joint = glue(before, one)
            time = stamp(one, stamped_at, self.zone) if joint else ""
            stamped_at = one.at.timestamp() if time else stamped_at
            turns.append(self._turn(one, time + render(one) if joint else continued(one), joint))
            before = one
        return turns, stamped_at

    def _turn(self, said: Said, content: str, joint: str) -> NewTurn:
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
