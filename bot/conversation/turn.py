"""One turn of a conversation: what the user said is stored, the model answers, and the answer is stored.

Every step leaves the database in a state from which a restart goes on: an answer is owed until it is stored, and it is
stored, with what it cost, before it is delivered.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from bot import texts
from bot.conversation.control import Control, Ending
from bot.conversation.draft import Draft, Show
from bot.conversation.ledger import Ledger
from bot.conversation.request import Request, Requests
from bot.conversation.room import Room
from bot.conversation.said import Said, clean_name, glue, render, stamp
from bot.conversation.tokens import TokenCounter
from bot.errors import ContextTooLong, MessageTooLong
from bot.llm.interface import ChatModel, Finish
from storage import Storage, Transaction, complete, until_stored
from storage.records import Chat, NewReply, NewTurn, Notice, Place
from storage.transcript import Owed


@dataclass(slots=True)
class Answer:
    """What the model says, and what it was asked."""

    draft: Draft
    request: Request | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """The engine over the storage and a model; `clock` gives Unix seconds."""

    storage: Storage
    model: ChatModel
    requests: Requests
    room: Room
    ledger: Ledger
    zone: tzinfo
    count_tokens: TokenCounter
    bound: float
    clock: Callable[[], float]

    async def hear(self, tx: Transaction, place: Place, *, private: bool, said: Sequence[Said]) -> None:
        """Store what a user said; an answer is owed from now on."""
        now = self.clock()
        chat = await self.storage.chats.ensure(tx, place, private=private, now=now)
        turns, stamped_at = self._rendered(chat, said)
        await self.storage.transcript.append(tx, chat.id, turns, now)
        if stamped_at is not None:
            await self.storage.chats.stamp(tx, chat.id, stamped_at)

    async def begin(self, chat: Chat, owed: Owed) -> int:
        """The id of the reply that is to be written: the one begun before, or a new one."""
        if owed.reply_id is not None and not owed.stale:
            return owed.reply_id
        async with self.storage.transaction() as tx:
            if owed.stale:
                return await self.storage.transcript.begin_anew(tx, chat.id, self.clock(), owed)
            return await self.storage.transcript.begin_reply(tx, chat.id, self.clock(), reply_to=owed.reply_to)

    async def answer(self, chat: Chat, owed: Owed, reply_id: int, show: Show, control: Control) -> Answer:
        """Let the model answer. What it says is stored, unless `control` ended it: then `end` is to be called.

        Raises a ModelError when there is no answer; it is still owed then, and the caller says so to the user.
        """
        answer = Answer(Draft(self.model, show, self.bound))
        try:
            await control.run(self._write(chat, owed, answer))
        except asyncio.CancelledError:
            await complete(self._keep_partial(reply_id, answer.draft.text))
            raise
        if control.ending is None:
            await complete(until_stored(partial(self._store, chat, reply_id, answer)))
        return answer

    async def end(self, chat: Chat, reply_id: int, answer: Answer, control: Control, shown_in: int | None) -> None:
        """Store what became of an answer that was ended; `shown_in` is the message that shows its beginning.

        A stopped one stands as far as it got. One that goes on is still owed, and the next turn begins it anew.
        """
        async with self.storage.transaction() as tx:
            if control.ending is Ending.STOPPED and answer.draft.text.strip():
                await self._store_reply(tx, chat, reply_id, answer)
            elif control.ending is Ending.STOPPED:
                await self.storage.transcript.give_up(tx, chat.id)
                notice = Notice(chat.place, chat.private, texts.STOPPED, edits=shown_in)
                await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, control.update_ids)

    def _rendered(self, chat: Chat, said: Sequence[Said]) -> tuple[list[NewTurn], float | None]:
        turns: list[NewTurn] = []
        stamped_at, before = chat.stamped_at, None
        for one in said:
            joint = glue(before, one)
            time = stamp(one, stamped_at, self.zone) if joint else ""
            stamped_at = one.at.timestamp() if time else stamped_at
            content = time + render(one) if joint else one.text
            turns.append(
                NewTurn(
                    content=content,
                    glue=joint,
                    tokens=self.count_tokens(content),
                    message_id=one.message_id,
                    sender_id=one.sender_id,
                    speaker=clean_name(one.sender) if one.sender else None,
                    said_at=one.at.timestamp(),
                )
            )
            before = one
        return turns, stamped_at

    async def _write(self, chat: Chat, owed: Owed, answer: Answer) -> None:
        await self.room.make(chat.id)
        try:
            await self._ask(chat, owed, answer)
        except ContextTooLong:
            await self.room.make_after_refusal(chat.id)
            try:
                await self._ask(chat, owed, answer)
            except ContextTooLong as exc:
                await self.room.leave_out(chat.id)
                raise MessageTooLong(str(exc)) from exc

    async def _ask(self, chat: Chat, owed: Owed, answer: Answer) -> None:
        answer.request = await self.requests.prepare(chat, without=owed.replaces)
        await answer.draft.write(answer.request.messages)

    async def _store(self, chat: Chat, reply_id: int, answer: Answer) -> None:
        async with self.storage.transaction() as tx:
            await self._store_reply(tx, chat, reply_id, answer)

    async def _store_reply(self, tx: Transaction, chat: Chat, reply_id: int, answer: Answer) -> None:
        draft, request = answer.draft, answer.request
        counted = request.counted if request else 0
        usage = None
        if draft.usage is not None:
            usage = await self.ledger.book(tx, chat.id, draft.usage, counted=counted, turns=1)
        reply = NewReply(draft.text, self.count_tokens(draft.text), bool(request and request.marked))
        await self.storage.transcript.finish_reply(tx, chat.id, reply_id, reply, usage)
        cut = {Finish.LENGTH: texts.CUT_BY_LENGTH, Finish.FILTER: texts.CUT_BY_FILTER}.get(draft.finish or Finish.STOP)
        if cut is not None:
            await self.storage.notices.add(tx, Notice(chat.place, chat.private, cut))

    async def _keep_partial(self, reply_id: int, text: str) -> None:
        async with self.storage.transaction() as tx:
            await self.storage.transcript.keep_partial(tx, reply_id, text)
