"""Bisection for the part of a prompt that the model server's content filter refuses."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.conversation.side_requests import SideRequests
from bot.conversation.window import PromptWindow, WindowReader
from bot.errors import ContentRefused, EmptyAnswer, ModelError
from bot.language import texts
from bot.llm.interface import Message
from storage import Storage
from storage.records import Chat, Notice, Turn

MOST_PROBES = 24
"""The most probe requests per search; a part that isn't narrowed down by then is left out as a whole."""
SEARCH_S, PROBE_S = 60.0, 30.0
"""Time limits in seconds for a whole search and for each request: a user is waiting for the answer."""
PROBE = "Whatever follows, answer with the one word OK."

Passes = Callable[[int, int], Awaitable[bool]]
"""Whether the parts from one index up to another pass the filter."""

Made = TypeVar("Made")

log = logging.getLogger(__name__)


class RefusalSearch:
    """Finds refused parts and leaves them out of later prompts."""

    def __init__(self, storage: Storage, windows: WindowReader, side_requests: SideRequests) -> None:
        self._storage = storage
        self._windows = windows
        self._side_requests = side_requests

    async def among(
        self, view: PromptWindow, turns: Sequence[Turn], *, as_: type[ModelError] = ContentRefused
    ) -> list[int]:
        """The ids of the turns that are refused on their own, with this kind of error. Raises a ModelError."""
        return await self._among(view, {turn.id: turn.content for turn in turns}, as_)

    async def leave_out(self, view: PromptWindow, turns: Sequence[Turn]) -> bool:
        """Find what is refused in these turns or the memory, and exclude it from now on.

        Returns whether anything was found. Raises a ModelError.
        """
        storage, chat = self._storage, view.window.chat
        lines = view.memory.splitlines()

        async def passes(start: int, end: int) -> bool:
            return await self.passes(view, lines[start:end])

        refused = await self.among(view, turns)
        gone = {lines[at] for at in await _search(passes, len(lines))}
        if not refused and not gone:
            return False
        async with storage.transaction() as tx:
            if gone:
                await storage.memories.take_out(tx, chat.id, gone.__contains__, self._windows.memory_tokens)
            await storage.transcript.leave_out(tx, chat.id, refused)
        return True

    async def leave_out_recalled(self, view: PromptWindow, turn_ids: Sequence[int]) -> bool:
        """Find what is refused in these older turns and never recall it again; returns whether anything was found."""
        storage, chat = self._storage, view.window.chat
        spoken = await storage.history.of_ids(chat.id, turn_ids)
        refused = await self._among(view, {turn.turn_id: turn.content for turn in spoken})
        if refused:
            async with storage.transaction() as tx:
                await storage.transcript.leave_out(tx, chat.id, refused)
        return bool(refused)

    async def without(self, view: PromptWindow, turns: Sequence[Turn], ask: Callable[[], Awaitable[Made]]) -> Made:
        """Make a side request; if something in the window is refused, exclude that and try once more.

        Raises a ModelError.
        """
        try:
            return await ask()
        except ContentRefused as exc:
            log.info(
                "Chat %d: searching for what the content filter refuses: %s", view.window.chat.key.telegram_id, exc
            )
            if not await self.leave_out(view, turns):
                raise
        await self._tell(view.window.chat)
        return await ask()

    async def passes(self, view: PromptWindow, said: Sequence[str], as_: type[ModelError] = ContentRefused) -> bool:
        """Whether these texts alone pass the filter. Raises a ModelError for any other failure."""
        words = "\n".join(said).strip()
        if not words:
            return True
        asked = (Message("system", PROBE), Message("user", words))
        try:
            await self._side_requests.ask(view.window.chat, view.model, asked, brief=PROBE_S)
        except as_:
            return False
        except EmptyAnswer:  # no text or too much, but not a refusal
            return True
        return True

    async def _among(
        self, view: PromptWindow, said: Mapping[int, str], as_: type[ModelError] = ContentRefused
    ) -> list[int]:
        ids, contents = list(said), list(said.values())

        async def passes(start: int, end: int) -> bool:
            return await self.passes(view, contents[start:end], as_)

        return [ids[at] for at in await _search(passes, len(ids))]

    async def _tell(self, chat: Chat) -> None:
        async with self._storage.transaction() as tx:
            notice = Notice(chat.key, chat.private, texts.EARLIER_REFUSED)
            await self._storage.outbox.add(tx, notice)


@dataclass(frozen=True, slots=True)
class _Span:
    """A range of parts. `known`: contains a refused part; `first`: the other half of the pair is searched next."""

    start: int
    end: int
    known: bool = False
    first: bool = False

    @property
    def size(self) -> int:
        return self.end - self.start

    @property
    def halves(self) -> tuple["_Span", "_Span"]:
        """The halves as stack entries: the first half is last, so it is popped first."""
        middle = (self.start + self.end) // 2
        return _Span(middle, self.end), _Span(self.start, middle, first=True)


async def _search(passes: Passes, count: int) -> list[int]:
    """The indexes of the refused parts, by bisection.

    If a range is refused and its first half passes, the second half must contain a refused part; single parts are
    always probed. Ranges not yet examined when the probes or the time run out are kept, to be searched when refused
    again.
    """
    found: list[int] = []
    open_spans, probes = [_Span(0, count)] if count else [], 0
    clock = asyncio.get_running_loop().time
    until = clock() + SEARCH_S
    while open_spans:
        span = open_spans.pop()
        if not span.known or span.size == 1:
            if probes == MOST_PROBES or clock() >= until:
                found += range(span.start, span.end) if span.known else ()
                continue
            probes += 1
            if await passes(span.start, span.end):
                if span.first:
                    open_spans.append(replace(open_spans.pop(), known=True))
                continue
        if span.size == 1:
            found.append(span.start)
        else:
            open_spans += span.halves
    return sorted(found)
