"""Summaries for users, of the whole conversation or of what they missed."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from functools import partial

from bot.conversation import prompt
from bot.conversation.cache_markers import CacheMarkerPolicy
from bot.conversation.incoming_message import indent
from bot.conversation.prompt import instruction
from bot.conversation.query import strip_timestamp
from bot.conversation.ranking import THE_BOT
from bot.conversation.refusal_search import RefusalSearch
from bot.conversation.side_requests import SideRequests
from bot.conversation.window import WindowReader
from bot.llm.interface import Message
from bot.llm.request_queue import asked_by
from storage.history import History
from storage.records import Chat, HistoryTurn

MOST_MESSAGES = 2000
READABLE_SHARE = 0.6
"""The largest share of the model's window for the messages to summarize."""


class Summaries:
    """Creates summaries; times are in `zone`."""

    def __init__(
        self,
        history: History,
        windows: WindowReader,
        side_requests: SideRequests,
        cache_markers: CacheMarkerPolicy,
        refusals: RefusalSearch,
        zone: tzinfo,
    ) -> None:
        self._history = history
        self._windows = windows
        self._side_requests = side_requests
        self._cache_markers = cache_markers
        self._refusals = refusals
        self._zone = zone

    async def whole(self, chat: Chat) -> str | None:
        """A summary of the conversation, from its cached prompt; None if it is empty. Raises ModelError."""
        view = await self._windows.view(chat.id)
        if not view.window.turns and not view.memory:
            return None
        return await self._refusals.without(view, view.window.turns, partial(self._whole, chat))

    async def _whole(self, chat: Chat) -> str:
        view = await self._windows.view(chat.id)
        async with self._windows.request():
            asked = prompt.append_text(await self._windows.prompt(view), instruction("summary"))
            marked = await self._cache_markers.mark_like_last(view, asked)
            counted = self._windows.counted(view)
            with asked_by(chat.key.telegram_id):
                return await self._side_requests.ask(chat, view.model, marked, counted=counted, tools=view.tools)

    async def of_messages(self, chat: Chat, count: int) -> str | None:
        """A summary of the last `count` messages. Raises ModelError."""
        limit = min(count, MOST_MESSAGES)
        return await self._of(
            chat, await self._history.latest(chat.id, after_turn=chat.reset_turn, since=0.0, limit=limit)
        )

    async def of_time(self, chat: Chat, begin: float, end: float) -> str | None:
        """A summary of what was said in [begin, end), in Unix seconds. Raises ModelError."""
        return await self._of(
            chat,
            await self._history.latest(
                chat.id, after_turn=chat.reset_turn, since=begin, until=end, limit=MOST_MESSAGES
            ),
        )

    async def _of(self, chat: Chat, turns: Sequence[HistoryTurn]) -> str | None:
        lines: list[str] = []
        model = self._windows.model(chat)
        room = READABLE_SHARE * self._windows.policy_for(model).context_window
        for turn in reversed(turns):
            room -= turn.tokens
            if room < 0 and lines:
                break
            lines.insert(0, self._line(turn))
        if not lines:
            return None
        asked = (Message("system", instruction("missed")), Message("user", "\n".join(lines)))
        with asked_by(chat.key.telegram_id):
            return await self._side_requests.ask(chat, model, asked)

    def _line(self, turn: HistoryTurn) -> str:
        """Keeps the quote and forward lines: a forward isn't what its sender says."""
        speaker = turn.speaker or f"The assistant ({THE_BOT})"
        words = indent(strip_timestamp(turn.content).removeprefix(f"{speaker}: "))
        return f"[{datetime.fromtimestamp(turn.at, self._zone):%a %H:%M}] {speaker}: {words}"
