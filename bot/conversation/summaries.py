"""Summaries for people: of the whole conversation, or of what somebody missed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial

from bot.conversation import prompt
from bot.conversation.asking import spoken
from bot.conversation.culprits import Culprits
from bot.conversation.excerpt import THE_BOT
from bot.conversation.instructions import instruction
from bot.conversation.marking import Marking
from bot.conversation.said import indented
from bot.conversation.sidecalls import SideCalls
from bot.conversation.windows import Windows
from bot.llm.asker import asked_by
from bot.llm.interface import Message
from storage import Storage
from storage.records import Chat, Spoken

MOST_MESSAGES = 2000
READABLE_SHARE = 0.6
"""Most of the model's window that the messages take which are to be summarised."""


@dataclass(frozen=True, slots=True)
class Summaries:
    """Has them written. Times are those of `zone`."""

    storage: Storage
    windows: Windows
    side_calls: SideCalls
    marking: Marking
    culprits: Culprits
    zone: tzinfo

    async def whole(self, chat: Chat) -> str | None:
        """A summary of the conversation, from its own cached prompt; None when nothing was said. Raises ModelError."""
        view = await self.windows.view(chat.id)
        if not view.window.turns and not view.memory:
            return None
        return await self.culprits.without(view, view.window.turns, partial(self._whole, chat))

    async def _whole(self, chat: Chat) -> str:
        view = await self.windows.view(chat.id)
        async with self.windows.budget.request():
            asked = prompt.with_added(await self.windows.prompt(view), instruction("summary"))
            marked = await self.marking.as_before(view, asked)
            counted = self.windows.counted(view)
            with asked_by(chat.place.telegram_id):
                return await self.side_calls.ask(chat, view.model, marked, counted=counted, tools=view.tools)

    async def of_messages(self, chat: Chat, count: int) -> str | None:
        """A summary of the last messages. Raises ModelError."""
        limit = min(count, MOST_MESSAGES)
        return await self._of(
            chat, await self.storage.past.latest(chat.id, after_turn=chat.reset_turn, since=0.0, limit=limit)
        )

    async def of_time(self, chat: Chat, begin: float, end: float) -> str | None:
        """A summary of what was said from and up to (not with) a time, in Unix seconds. Raises ModelError."""
        return await self._of(
            chat,
            await self.storage.past.latest(
                chat.id, after_turn=chat.reset_turn, since=begin, until=end, limit=MOST_MESSAGES
            ),
        )

    async def _of(self, chat: Chat, turns: Sequence[Spoken]) -> str | None:
        lines: list[str] = []
        model = self.windows.choice.model(chat)
        room = READABLE_SHARE * self.windows.policy_for(model).context_window
        for turn in reversed(turns):
            room -= turn.tokens
            if room < 0 and lines:
                break
            lines.insert(0, self._line(turn))
        if not lines:
            return None
        asked = (Message("system", instruction("missed")), Message("user", "\n".join(lines)))
        with asked_by(chat.place.telegram_id):
            return await self.side_calls.ask(chat, model, asked)

    def _line(self, turn: Spoken) -> str:
        """Whose words they repeat is told too: a forward is not what its sender says."""
        speaker = turn.speaker or f"The assistant ({THE_BOT})"
        words = indented(spoken(turn.content).removeprefix(f"{speaker}: "))
        return f"[{datetime.fromtimestamp(turn.at, self.zone):%a %H:%M}] {speaker}: {words}"
