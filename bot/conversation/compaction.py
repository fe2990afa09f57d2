"""Making room in a window: its oldest rounds leave it, and what matters of them becomes the memory.

The request that writes the memory is the conversation's own prompt and one instruction behind it, so that the provider
has nearly all of it in its cache. The rounds stay in the transcript, where recall and search find them. Whatever goes
wrong leaves window and memory as they were.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial

from bot.conversation import prompt
from bot.conversation.cache_markers import CacheMarkerPolicy
from bot.conversation.memory_loss import loss, with_lines
from bot.conversation.memory_text import added, fitting, is_memory
from bot.conversation.prompt import instruction
from bot.conversation.refusal_search import RefusalSearch
from bot.conversation.side_requests import SideRequests
from bot.conversation.thresholds import MemoryMode, cut_to
from bot.conversation.tokens import LEAST_SAMPLE, told
from bot.conversation.window import MOST_TAKEN_UP, PromptWindow, WindowReader
from bot.errors import EmptyAnswer, ModelError
from bot.llm.interface import ChatModel, Message
from storage import Storage
from storage.memory_records import Span
from storage.records import Chat, Turn

SUMMARY_SHARE = 0.8
"""Most of the model's window that the prompt of a compaction takes; the rest is for the memory that it writes."""
TOLERANCE = 1.25
"""A memory may be so much longer than it was to be: a model keeps to a number of words about as well as a person."""

log = logging.getLogger(__name__)


class CompactionOutcome(Enum):
    """What became of a compaction."""

    DONE = auto()
    NOTHING = auto()
    """There is nothing that may leave the window."""
    VOID = auto()
    """What it was made of was reset, forgotten or corrected meanwhile: nothing was stored."""


@dataclass(frozen=True, slots=True)
class Compactor:
    """Moves the beginning of windows; `clock` gives Unix seconds."""

    storage: Storage
    windows: WindowReader
    side_calls: SideRequests
    marking: CacheMarkerPolicy
    culprits: RefusalSearch
    clock: Callable[[], float]

    async def compact(self, chat_id: int, *, most_prompt: float | None = None) -> CompactionOutcome:
        """Let the oldest rounds of a window leave it, down to the kept tail.

        `most_prompt`: the most tokens that the model can read, where that is less than its known window. Raises a
        ModelError when no memory could be written.
        """
        view = await self.windows.view(chat_id)
        before = view.window.turns[:-1] if view.sizes.waiting else view.window.turns
        return await self.culprits.without(view, before, partial(self._compact, chat_id, most_prompt))

    async def _compact(self, chat_id: int, most_prompt: float | None) -> CompactionOutcome:
        view = await self.windows.view(chat_id)
        if view.sizes.total <= view.marks.low:
            return CompactionOutcome.NOTHING
        if view.way is MemoryMode.SUMMARY:
            most = most_prompt or SUMMARY_SHARE * view.policy.context_window
            first, end, cut = self._shown(view, most, newest=most_prompt is None)
            if not cut:
                return CompactionOutcome.NOTHING
            shown = view.turns(first, end)
            changed = await self.windows.changed(view, MOST_TAKEN_UP)
            text = await self._written(view, shown, changed.text)
            left = view.turns(first, min(cut, end))
            span = Span(left[-1].id, left[0].at, left[-1].at)
            before = view.window.through_turn if not first else left[0].id - 1
            return await self._move(view, cut, text, added(view.covers, before, span), changed.turn_ids)
        return await self._move(view, view.marks.cut, view.memory)

    async def drop(self, chat_id: int, most_tokens: float) -> CompactionOutcome:
        """Let the oldest rounds leave without a trace in the memory, so that the others take at most that much."""
        view = await self.windows.view(chat_id)
        return await self._move(view, cut_to(view.sizes.rounds, most_tokens), view.memory)

    async def leave_out(self, chat_id: int) -> CompactionOutcome:
        """Let all rounds leave, also the newest: it is more than the model can read."""
        view = await self.windows.view(chat_id)
        return await self._move(view, len(view.starts), view.memory)

    def _shown(self, view: PromptWindow, most_prompt: float, *, newest: bool) -> tuple[int, int, int]:
        """From which round up to which the model is shown, and how many rounds leave the window.

        It is shown all that it can read from the beginning on. Where the rest would still be too much (a group that
        talked for long among itself), the `newest` of what leaves matters most: what is older leaves without notes.
        """
        readable = self._readable(view, most_prompt)
        cut = min(view.marks.cut, readable)
        rest = view.sizes.total - sum(view.sizes.rounds[:cut])
        if not newest or rest <= view.policy.cap:
            return 0, readable, cut
        room = most_prompt - view.sizes.system - view.sizes.memory
        end = view.marks.cut
        while end and view.sizes.rounds[end - 1] > room:  # that one alone is more than can be read
            end -= 1
        first = end
        while first and (room := room - view.sizes.rounds[first - 1]) >= 0:
            first -= 1
        return first, end, view.marks.cut if end else 0

    def _readable(self, view: PromptWindow, most_prompt: float) -> int:
        """How many of the first rounds the model can be shown; a round that waits for its answer is none of them."""
        answered = len(view.sizes.answered)
        room, rounds = most_prompt - view.sizes.system - view.sizes.memory, 0
        while rounds < answered and (room := room - view.sizes.rounds[rounds]) >= 0:
            rounds += 1
        return rounds

    async def _written(self, view: PromptWindow, turns: Sequence[Turn], changed: str) -> str:
        """A new memory of the old one and these turns. Raises a ModelError, EmptyAnswer for one that is of no use."""
        length = self.length(view.model, view.memory, [turn.content for turn in turns])
        words = "\n\n".join(filter(None, (changed, instruction("memory", length=length))))
        counted = self.windows.counted(view, turns)
        async with self.windows.budget.request():
            asked = prompt.with_added(await self.windows.prompt(view, turns), words)
            marked = await self.marking.as_before(view, asked)
            answer = await self.side_calls.ask(view.window.chat, view.model, marked, counted=counted, tools=view.tools)
        text = await self.as_memory(view.window.chat, view.model, answer)
        return await self._kept(view, text, length)

    def length(self, model: ChatModel, memory: str, said: Sequence[str] = ()) -> str:
        """How long a memory is to be, in words or characters of its own language, or else of what was said."""
        sample = memory if len(memory) >= LEAST_SAMPLE else "\n".join((*said, memory))
        return told(self.windows.policy_for(model).most_memory, sample, self.windows.count_tokens)

    async def _kept(self, view: PromptWindow, text: str, length: str) -> str:
        """A new memory that still tells what the old one told: asked for once more, or else with the old lines."""
        lost = loss(view.memory, text)
        if not lost.severe:
            return text
        words = "\n".join(lost.lines)
        messages = (
            Message("system", instruction("keep", length=length)),
            Message("user", f"The new notes:\n\n{text}\n\nThe lines that they leave out:\n\n{words}"),
        )
        chat, model, most = view.window.chat, view.model, view.policy.most_memory
        try:
            again = await self.as_memory(chat, model, await self.side_calls.ask(chat, model, messages))
        except ModelError as exc:
            log.info("Chat %d: notes that lost most of the old ones could not be asked for again: %s", chat.id, exc)
            again = text
        lost = loss(view.memory, again)
        return with_lines(again, view.memory, lost.lines, most, self.windows.count_tokens) if lost.severe else again

    async def as_memory(self, chat: Chat, model: ChatModel, answer: str) -> str:
        """What a model wrote as a memory, in the length that a memory may have.

        One that is too long is sent back to be shortened, once; what is still too much then loses lines. Raises
        EmptyAnswer for a text that is no memory at all, such as a refusal.
        """
        text = prompt.harmless(answer)
        if not is_memory(text):
            raise EmptyAnswer("a memory without a heading and without a list line")
        most, count_tokens = self.windows.policy_for(model).most_memory, self.windows.count_tokens
        if count_tokens(text) <= most * TOLERANCE:
            return text
        shortened = prompt.harmless(await self._shortened(chat, model, text))
        if is_memory(shortened):
            text = shortened
        return text if count_tokens(text) <= most * TOLERANCE else fitting(text, most, count_tokens)

    async def _shortened(self, chat: Chat, model: ChatModel, text: str) -> str:
        """The model's own shorter form of a memory; empty where there is none to be had."""
        share = self.windows.policy_for(model).most_memory / self.windows.count_tokens(text)
        asked = instruction("shorten", percent=int(100 * share), characters=int(share * len(text)))
        messages = (Message("system", asked), Message("user", f"The notes:\n\n{text}"))
        try:
            return await self.side_calls.ask(chat, model, messages)
        except ModelError as exc:
            log.info("Chat %d: a memory that is too long could not be shortened: %s", chat.id, exc)
            return ""

    async def _move(
        self,
        view: PromptWindow,
        cut: int,
        text: str,
        spans: Sequence[Span] | None = None,
        took_up: Sequence[int] = (),
    ) -> CompactionOutcome:
        if not cut:
            return CompactionOutcome.NOTHING
        memory = self.windows.memory(
            view.turns(0, cut)[-1].id, text, self.clock(), view.covers if spans is None else spans
        )
        async with self.storage.transaction() as tx:
            stored = await self.storage.memories.put(tx, view.window.chat, memory)
            if stored and took_up:
                await self.storage.memories.took_up(tx, took_up)
        log.info(
            "Chat %d: %d of %d rounds leave the window, memory of %d tokens%s",
            *(view.window.chat.id, cut, len(view.starts), memory.tokens),
            "" if stored else " (void: something was taken back meanwhile)",
        )
        return CompactionOutcome.DONE if stored else CompactionOutcome.VOID
