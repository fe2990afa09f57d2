"""Compaction: the oldest rounds leave a chat's window, and what matters of them goes into its memory.

The request that writes the memory is the conversation's own prompt plus an instruction at its end, so that nearly all
of it is in the provider's cache. The rounds stay in the transcript, where recall and search find them. If anything
fails, window and memory stay unchanged.
"""

import logging
from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import partial
from typing import Protocol

from bot.conversation import prompt
from bot.conversation.cache_markers import CacheMarkerPolicy
from bot.conversation.memory_loss import add_lines, find_loss
from bot.conversation.memory_text import add_span, cut_to_size, is_memory
from bot.conversation.prompt import instruction
from bot.conversation.refusal_search import RefusalSearch
from bot.conversation.side_requests import SideRequests
from bot.conversation.thresholds import MemoryMode, rounds_to_cut
from bot.conversation.tokens import LEAST_SAMPLE, describe_length
from bot.conversation.window import MOST_TAKEN_UP, PromptWindow, WindowReader
from bot.errors import EmptyAnswer, ModelError
from bot.llm.interface import ChatModel, Message
from bot.metrics import COMPACTIONS
from storage.database import Database
from storage.memories import Memories, Span
from storage.records import Chat, Turn

SUMMARY_SHARE = 0.8
"""The largest share of the model's window for a compaction prompt; the rest is for the memory that the model writes."""
TOLERANCE = 1.25
"""How much longer than requested a memory may be: models keep to a word count about as well as people do."""

log = logging.getLogger(__name__)


class CompactionOutcome(Enum):
    """The result of a compaction."""

    DONE = auto()
    NOTHING = auto()
    """Nothing can leave the window."""
    VOID = auto()
    """Its input was reset, deleted or corrected in the meantime, so nothing was stored."""


class WindowCompactor(Protocol):
    """Compacts windows, as Compactor does, or by having it do so."""

    async def compact(self, chat_id: int, *, most_prompt: float | None = None) -> CompactionOutcome:
        """See ``Compactor.compact``."""


class Compactor:
    """Compacts windows; `clock` gives Unix seconds."""

    def __init__(
        self,
        database: Database,
        memories: Memories,
        windows: WindowReader,
        side_requests: SideRequests,
        cache_markers: CacheMarkerPolicy,
        refusals: RefusalSearch,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._memories = memories
        self._windows = windows
        self._side_requests = side_requests
        self._cache_markers = cache_markers
        self._refusals = refusals
        self._clock = clock

    async def compact(self, chat_id: int, *, most_prompt: float | None = None) -> CompactionOutcome:
        """Compact a window down to the tail that is kept.

        `most_prompt`: the most tokens the model can read, if that is less than its known window. Raises a ModelError if
        no memory could be written.
        """
        view = await self._windows.view(chat_id)
        before = view.window.turns[:-1] if view.sizes.waiting else view.window.turns
        return await self._refusals.without(view, before, partial(self._compact, chat_id, most_prompt))

    async def _compact(self, chat_id: int, most_prompt: float | None) -> CompactionOutcome:
        view = await self._windows.view(chat_id)
        if view.sizes.total <= view.thresholds.low:
            return CompactionOutcome.NOTHING
        if view.mode is MemoryMode.SUMMARY:
            most = most_prompt or SUMMARY_SHARE * view.policy.context_window
            first, end, cut = self._rounds_to_show(view, most, newest=most_prompt is None)
            if not cut:
                return CompactionOutcome.NOTHING
            shown = view.turns(first, end)
            changed = await self._windows.changed(view, MOST_TAKEN_UP)
            text = await self._write_memory(view, shown, changed.text)
            left = view.turns(first, min(cut, end))
            span = Span(left[-1].id, left[0].at, left[-1].at)
            before = view.window.through_turn if not first else left[0].id - 1
            return await self._move(view, cut, text, add_span(view.covers, before, span), changed.turn_ids)
        return await self._move(view, view.thresholds.cut, view.memory)

    async def drop(self, chat_id: int, most_tokens: float) -> CompactionOutcome:
        """Drop the oldest rounds without summarizing them, until the rest has at most `most_tokens`."""
        view = await self._windows.view(chat_id)
        return await self._move(view, rounds_to_cut(view.sizes.rounds, most_tokens), view.memory)

    async def leave_out(self, chat_id: int) -> CompactionOutcome:
        """Drop all rounds including the newest, because the model can't even read that one."""
        view = await self._windows.view(chat_id)
        return await self._move(view, len(view.starts), view.memory)

    def _rounds_to_show(self, view: PromptWindow, most_prompt: float, *, newest: bool) -> tuple[int, int, int]:
        """The range of rounds to show the model, and how many rounds leave the window: (first, end, cut).

        Normally that is everything it can read from the beginning. If the rest would still exceed the cap (a group that
        talked for a long time without the bot), and `newest` is set, the newest of the rounds that leave are shown,
        because they matter most; older ones leave unsummarized.
        """
        readable = self._readable(view, most_prompt)
        cut = min(view.thresholds.cut, readable)
        rest = view.sizes.total - sum(view.sizes.rounds[:cut])
        if not newest or rest <= view.policy.cap:
            return 0, readable, cut
        room = most_prompt - view.sizes.system - view.sizes.memory
        end = view.thresholds.cut
        while end and view.sizes.rounds[end - 1] > room:  # this round alone is too long to read
            end -= 1
        first = end
        while first and (room := room - view.sizes.rounds[first - 1]) >= 0:
            first -= 1
        return first, end, view.thresholds.cut if end else 0

    def _readable(self, view: PromptWindow, most_prompt: float) -> int:
        """How many of the first rounds fit into the prompt; a round waiting for its answer doesn't count."""
        answered = len(view.sizes.answered)
        room, rounds = most_prompt - view.sizes.system - view.sizes.memory, 0
        while rounds < answered and (room := room - view.sizes.rounds[rounds]) >= 0:
            rounds += 1
        return rounds

    async def _write_memory(self, view: PromptWindow, turns: Sequence[Turn], changed: str) -> str:
        """Write a new memory from the old one and these turns. Raises a ModelError; EmptyAnswer if it is unusable."""
        length = self.length(view.model, view.memory, [turn.content for turn in turns])
        words = "\n\n".join(filter(None, (changed, instruction("memory", length=length))))
        counted = self._windows.counted(view, turns)
        async with self._windows.request():
            asked = prompt.append_text(await self._windows.prompt(view, turns), words)
            marked = await self._cache_markers.mark_like_last(view, asked)
            answer = await self._side_requests.ask(
                view.window.chat, view.model, marked, counted=counted, tools=view.tools
            )
        text = await self.as_memory(view.window.chat, view.model, answer)
        return await self._keep_facts(view, text, length)

    def length(self, model: ChatModel, memory: str, said: Sequence[str] = ()) -> str:
        """The target length of a memory, in words or characters of its own language, or else of the conversation's."""
        sample = memory if len(memory) >= LEAST_SAMPLE else "\n".join((*said, memory))
        return describe_length(self._windows.policy_for(model).most_memory, sample, self._windows.count_tokens)

    async def _keep_facts(self, view: PromptWindow, text: str, length: str) -> str:
        """Make sure a new memory keeps the old facts: ask once more, and failing that add the lost lines."""
        lost = find_loss(view.memory, text)
        if not lost.severe:
            return text
        words = "\n".join(lost.lines)
        messages = (
            Message("system", instruction("keep", length=length)),
            Message("user", f"The new notes:\n\n{text}\n\nThe lines that they leave out:\n\n{words}"),
        )
        chat, model, most = view.window.chat, view.model, view.policy.most_memory
        try:
            again = await self.as_memory(chat, model, await self._side_requests.ask(chat, model, messages))
        except ModelError as exc:
            log.info(
                "Chat %d: the memory lost most of the old one and could not be requested again: %s",
                chat.key.telegram_id,
                exc,
            )
            again = text
        lost = find_loss(view.memory, again)
        return add_lines(again, view.memory, lost.lines, most, self._windows.count_tokens) if lost.severe else again

    async def as_memory(self, chat: Chat, model: ChatModel, answer: str) -> str:
        """Validate a memory written by a model, and limit its length.

        One that is too long is sent back once to be shortened; if it is still too long, lines are cut. Raises
        EmptyAnswer for text that is no memory, such as a refusal.
        """
        text = prompt.strip_memory_tags(answer)
        if not is_memory(text):
            raise EmptyAnswer("a memory without a heading and without a list line")
        most, count_tokens = self._windows.policy_for(model).most_memory, self._windows.count_tokens
        if count_tokens(text) <= most * TOLERANCE:
            return text
        shortened = prompt.strip_memory_tags(await self._shorten(chat, model, text))
        if is_memory(shortened):
            text = shortened
        return text if count_tokens(text) <= most * TOLERANCE else cut_to_size(text, most, count_tokens)

    async def _shorten(self, chat: Chat, model: ChatModel, text: str) -> str:
        """Ask the model to shorten a memory; "" if that fails."""
        share = self._windows.policy_for(model).most_memory / self._windows.count_tokens(text)
        asked = instruction("shorten", percent=int(100 * share), characters=int(share * len(text)))
        messages = (Message("system", asked), Message("user", f"The notes:\n\n{text}"))
        try:
            return await self._side_requests.ask(chat, model, messages)
        except ModelError as exc:
            log.info("Chat %d: an overlong memory could not be shortened: %s", chat.key.telegram_id, exc)
            return ""

    async def _move(
        self,
        view: PromptWindow,
        cut: int,
        text: str,
        spans: Sequence[Span] | None = None,
        included: Sequence[int] = (),
    ) -> CompactionOutcome:
        if not cut:
            return CompactionOutcome.NOTHING
        memory = self._windows.memory(
            view.turns(0, cut)[-1].id, text, self._clock(), view.covers if spans is None else spans
        )
        async with self._database.transaction() as tx:
            stored = await self._memories.put(tx, view.window.chat, memory)
            if stored and included:
                await self._memories.mark_included(tx, included)
        chat, before = view.window.chat.key.telegram_id, round(view.sizes.total)
        after = round(before - sum(view.sizes.rounds[:cut]) - view.sizes.memory + memory.tokens)
        COMPACTIONS.labels("done" if stored else "void").inc()
        log.info(
            "Compacted chat %d: %d of %d rounds leave the window, %d -> %d tokens, memory of %d tokens%s",
            *(chat, cut, len(view.starts), before, after, memory.tokens),
            "" if stored else " (void: its input changed in the meantime)",
            extra={"fields": {"chat": chat, "rounds": cut, "before": before, "after": after, "memory": memory.tokens}},
        )
        return CompactionOutcome.DONE if stored else CompactionOutcome.VOID
