"""One turn of a conversation: what the user said is stored, the model answers, and the answer is stored.

Every step leaves the database in a state from which a restart goes on: an answer is owed until it is stored, and it is
stored, with what it cost, before it is delivered.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import Enum, auto
from functools import partial

from bot import texts
from bot.conversation import prompt
from bot.conversation.draft import Draft, Show
from bot.conversation.said import Said, clean_name, glue, render, stamp
from bot.conversation.tokens import TokenCounter
from bot.errors import ModelError
from bot.llm.interface import ChatModel, Finish
from storage import Storage, Transaction, complete, until_stored
from storage.records import Chat, NewTurn, Notice, Place, Usage
from storage.transcript import Owed


class Ending(Enum):
    """Why an answer was ended from outside."""

    STOPPED = auto()
    """The user has heard enough: what was said stands."""
    MORE_TO_COME = auto()
    """The user's message goes on: the answer is begun again with all of it."""


class Control:
    """A handle on an answer under way, for whoever wants to end it."""

    def __init__(self) -> None:
        self.ending: Ending | None = None
        self.update_ids: Collection[int] = ()
        self._task: asyncio.Task[None] | None = None

    def end(self, ending: Ending, update_ids: Collection[int] = ()) -> bool:
        """End the answer; the updates that asked for it are done together with what they did.

        Returns False when there is nothing to end any more.
        """
        if self._task is not None and self._task.done():
            return False
        if self.ending is Ending.STOPPED:  # and stopped again: one answer to both
            self.update_ids = (*self.update_ids, *update_ids)
            return True
        self.ending, self.update_ids = ending, update_ids
        if self._task is not None:
            self._task.cancel()
        return True

    async def run(self, work: Coroutine[None, None, None]) -> None:
        """Do the work until it is done or ended."""
        self._task = asyncio.create_task(work, name="answer")
        if self.ending is not None:
            self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if self.ending is None or (caller is not None and caller.cancelling()):
                raise
        except ModelError:
            if self.ending is None:  # else it was ended and failed in the same moment: ended is what the user asked for
                raise


@dataclass(frozen=True, slots=True)
class Conversation:
    """The engine over the storage and a model; `clock` gives Unix seconds."""

    storage: Storage
    model: ChatModel
    system_prompt: str
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

    async def answer(self, chat: Chat, owed: Owed, reply_id: int, show: Show, control: Control) -> Draft:
        """Let the model answer. What it says is stored, unless `control` ended it: then `end` is to be called.

        Raises a ModelError when there is no answer; it is still owed then, and the caller says so to the user.
        """
        turns = await self.storage.transcript.window(chat.id, without=owed.replaces)
        messages = prompt.build(self.system_prompt, turns)
        draft = Draft(self.model, show, self.bound)
        try:
            await control.run(draft.write(messages))
        except asyncio.CancelledError:
            await complete(self._keep_partial(reply_id, draft.text))
            raise
        if control.ending is None:
            await complete(until_stored(partial(self._store, chat, reply_id, draft)))
        return draft

    async def end(self, chat: Chat, reply_id: int, draft: Draft, control: Control, shown_in: int | None) -> None:
        """Store what became of an answer that was ended; `shown_in` is the message that shows its beginning.

        A stopped one stands as far as it got. One that goes on is still owed, and the next turn begins it anew.
        """
        async with self.storage.transaction() as tx:
            if control.ending is Ending.STOPPED and draft.text.strip():
                await self._store_reply(tx, chat, reply_id, draft)
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

    async def _store(self, chat: Chat, reply_id: int, draft: Draft) -> None:
        async with self.storage.transaction() as tx:
            await self._store_reply(tx, chat, reply_id, draft)

    async def _store_reply(self, tx: Transaction, chat: Chat, reply_id: int, draft: Draft) -> None:
        usage = Usage(draft.usage.input, draft.usage.cached, draft.usage.output) if draft.usage else None
        tokens = self.count_tokens(draft.text)
        await self.storage.transcript.finish_reply(tx, chat.id, reply_id, draft.text, tokens, usage)
        if usage is not None:
            today = datetime.fromtimestamp(self.clock(), self.zone).date()
            await self.storage.usage.record(tx, chat.id, today, self.model.name, usage)
        cut = {Finish.LENGTH: texts.CUT_BY_LENGTH, Finish.FILTER: texts.CUT_BY_FILTER}.get(draft.finish or Finish.STOP)
        if cut is not None:
            await self.storage.notices.add(tx, Notice(chat.place, chat.private, cut))

    async def _keep_partial(self, reply_id: int, text: str) -> None:
        async with self.storage.transaction() as tx:
            await self.storage.transcript.keep_partial(tx, reply_id, text)
