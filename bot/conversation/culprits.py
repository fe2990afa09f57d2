"""Which part of a prompt the model server's content filter refuses, found by asking for a word about the parts."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.conversation.sidecalls import SideCalls
from bot.conversation.windows import View, Windows
from bot.errors import ContentRefused, ModelError
from bot.llm.interface import Message
from storage.records import Turn

MOST_PROBES = 16
"""Small requests in search of what is refused; what is not told apart by then is left out as a whole."""
PROBE = "Whatever follows, answer with the one word OK."

Passes = Callable[[int, int], Awaitable[bool]]
"""Whether the parts from one place up to another are not refused."""


@dataclass(frozen=True, slots=True)
class Culprits:
    """Finds them, and leaves them out of later prompts."""

    windows: Windows
    side_calls: SideCalls

    async def among(self, view: View, turns: Sequence[Turn], *, as_: type[ModelError] = ContentRefused) -> list[int]:
        """The ids of those turns that are refused by themselves, with this kind of error. Raises a ModelError."""

        async def passes(start: int, end: int) -> bool:
            return await self._passes(view, [turn.content for turn in turns[start:end]], as_)

        return [turns[at].id for at in await _search(passes, len(turns))]

    async def leave_out(self, view: View, turns: Sequence[Turn]) -> None:
        """Something in these turns of a window or in its notes is refused: have it no more. Raises a ModelError."""
        storage, chat = self.windows.storage, view.window.chat
        lines = view.memory.splitlines()

        async def passes(start: int, end: int) -> bool:
            return await self._passes(view, lines[start:end])

        refused = await self.among(view, turns)
        bad = set(await _search(passes, len(lines)))
        if not refused and not bad:  # nothing is refused by itself, only all of it together
            refused, bad = [turn.id for turn in turns], set(range(len(lines)) if not turns else ())
        gone = {lines[at] for at in bad}
        async with storage.transaction() as tx:
            if gone:
                await storage.memories.take_out(tx, chat.id, gone.__contains__, self.windows.memory_tokens)
            await storage.transcript.leave_out(tx, chat.id, refused)

    async def _passes(self, view: View, texts: Sequence[str], as_: type[ModelError] = ContentRefused) -> bool:
        said = "\n".join(texts).strip()
        if not said:
            return True
        try:
            await self.side_calls.ask(view.window.chat, view.model, (Message("system", PROBE), Message("user", said)))
        except as_:
            return False
        return True


async def _search(passes: Passes, count: int) -> list[int]:
    """The places of the parts that are refused, by halves."""
    found: list[int] = []
    open_spans, probes = [(0, count)] if count else [], 0
    while open_spans:
        start, end = open_spans.pop()
        if probes == MOST_PROBES:
            found += range(start, end)
            continue
        probes += 1
        if await passes(start, end):
            continue
        if end - start == 1:
            found.append(start)
        else:
            middle = (start + end) // 2
            open_spans += [(start, middle), (middle, end)]
    return sorted(found)
