"""One turn of a conversation: what the user said is stored, the model answers, and the answer is stored.

Every step leaves the database in a state from which a restart goes on: an answer is owed until it is stored, and it is
stored, with what it cost, before it is delivered.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import Enum, auto

from bot import texts
from bot.conversation import prompt
from bot.conversation.draft import Draft, Show
from bot.conversation.said import Said, glue, render, stamp
from bot.conversation.tokens import TokenCounter
from bot.errors import ModelError
from bot.llm.interface import ChatModel, Finish
from storage import Storage, Transaction, complete
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
        if self.ending is not None or (self._task is not None and self._task.done()):
            return False
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

    async def hear(self, place: Place, *, private: bool, said: Sequence[Said], update_ids: Collection[int]) -> None:
        """Store what a user said, in one transaction with the updates that brought it."""
        now = self.clock()
        async with self.storage.transaction() as tx:
            chat = await self.storage.chats.ensure(tx, place, private=private, now=now)
            turns, stamped_at = self._rendered(chat, said)
            await self.storage.transcript.append(tx, chat.id, turns, now)
            if stamped_at is not None:
                await self.storage.chats.stamp(tx, chat.id, stamped_at)
            await self.storage.inbox.done(tx, update_ids)

    async def begin(self, chat: Chat, owed: Owed) -> int:
        """The id of the reply that is to be written: the one begun before a crash, or a new one."""
        if owed.reply_id is not None:
            return owed.reply_id
        async with self.storage.transaction() as tx:
            return await self.storage.transcript.begin_reply(tx, chat.id, self.clock(), reply_to=owed.reply_to)

    async def answer(self, chat: Chat, owed: Owed, reply_id: int, show: Show, control: Control) -> None:
        """Let the model answer, and store what it says.

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
        await complete(self._store(chat, reply_id, draft, control))

    def _rendered(self, chat: Chat, said: Sequence[Said]) -> tuple[list[NewTurn], float | None]:
        turns: list[NewTurn] = []
        stamped_at, before = chat.stamped_at, None
        for one in said:
            joint = glue(before, one)
            time = stamp(one, stamped_at, self.zone) if joint else ""
            stamped_at = one.at.timestamp() if time else stamped_at
            content = time + render(one)
            turns.append(NewTurn(content, joint, self.count_tokens(content), one.message_id, one.sender_id))
            before = one
        return turns, stamped_at

    async def _store(self, chat: Chat, reply_id: int, draft: Draft, control: Control) -> None:
        async with self.storage.transaction() as tx:
            if control.ending is Ending.MORE_TO_COME:
                await self.storage.transcript.withdraw_reply(tx, reply_id)
            elif draft.text.strip():
                await self._store_reply(tx, chat, reply_id, draft)
            else:
                await self.storage.transcript.give_up(tx, chat.id)
                await self.storage.notices.add(tx, Notice(chat.place, chat.private, texts.STOPPED))
            await self.storage.inbox.done(tx, control.update_ids)

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
