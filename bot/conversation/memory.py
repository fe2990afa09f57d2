"""A chat's memory as users see it: shown verbatim with figures, corrected or restored on request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bot.conversation.compaction import Compactor
from bot.conversation.memory_text import span_times
from bot.conversation.model_selector import is_sent
from bot.conversation.prompt import instruction
from bot.conversation.side_requests import SideRequests
from bot.conversation.window import WindowReader
from bot.llm.interface import Message
from storage import Storage
from storage.records import Chat, Report


@dataclass(frozen=True, slots=True)
class MemoryView:
    """The memory and figures about it; token counts approximate the model's."""

    text: str
    memory_tokens: int
    prompt_tokens: int
    context_window: int
    rounds: int
    media: int
    """Pictures and sounds that the model can see and hear."""
    cached_share: float | None
    """Of the last prompt, as reported by the server, or None."""
    made_at: datetime | None
    whole: bool
    """Whether nothing has left the window."""
    spans: tuple[tuple[str, str], ...] = ()
    """The first and last time of each stretch that the memory covers."""


@dataclass(frozen=True, slots=True)
class EarlierMemory:
    """An earlier version of the memory, and what would change if it were restored."""

    version_id: int
    made_at: datetime
    back: tuple[str, ...]
    gone: tuple[str, ...]
    has_older: bool


class MemoryEditor:
    """Shows and corrects memories; times are in `zone`, `clock` gives Unix seconds."""

    def __init__(
        self,
        storage: Storage,
        windows: WindowReader,
        compactor: Compactor,
        side_requests: SideRequests,
        zone: tzinfo,
        clock: Callable[[], float],
    ) -> None:
        self._storage = storage
        self._windows = windows
        self._side_requests = side_requests
        self._compactor = compactor
        self._zone = zone
        self._clock = clock

    async def show(self, chat_id: int) -> MemoryView:
        """The memory of a chat as it is in its prompt."""
        view = await self._windows.view(chat_id)
        reports = await self._storage.usage.reports(chat_id, 1)
        memory = view.window.memory
        return MemoryView(
            text=view.memory,
            memory_tokens=round(view.sizes.memory),
            prompt_tokens=round(view.sizes.total),
            context_window=view.policy.context_window,
            rounds=len(view.starts),
            media=sum(is_sent(medium, view.model.capabilities) for turn in view.window.turns for medium in turn.media),
            cached_share=_cached_share(reports),
            made_at=datetime.fromtimestamp(memory.made_at, self._zone) if memory else None,
            whole=view.window.through_turn <= view.window.chat.reset_turn,
            spans=tuple(span_times(view.covers, self._zone)),
        )

    async def before(self, chat: Chat, version_id: int | None = None) -> EarlierMemory | None:
        """The version before the given one (None: before the current one), compared with the current one."""
        found = await self._storage.memories.versions_before(chat, version_id, limit=2)
        if not found:
            return None
        memory = await self._storage.memories.current(chat)
        then, now = found[0].text.splitlines(), memory.text.splitlines() if memory else []
        return EarlierMemory(
            version_id=found[0].id,
            made_at=datetime.fromtimestamp(found[0].made_at, self._zone),
            back=tuple(line for line in then if line.strip() and line not in now),
            gone=tuple(line for line in now if line.strip() and line not in then),
            has_older=len(found) > 1,
        )

    async def restore(self, chat: Chat, version_id: int) -> int | None:
        """Restore an earlier version; returns the version that was current, for undoing.

        What has left the window stays out, and edits made since are added to prompts again. None if the version no
        longer exists.
        """
        version = await self._storage.memories.version(chat, version_id)
        if version is None:
            return None
        view = await self._windows.view(chat.id)
        former = await self._storage.memories.present_version(chat)
        memory = self._windows.memory(view.window.through_turn, version.text, version.made_at, version.covers)
        async with self._storage.transaction() as tx:
            stored = await self._storage.memories.put(tx, view.window.chat, memory)
            if stored:  # a compaction in progress would restore the current one
                await self._storage.chats.begin_epoch(tx, chat.id)
                await self._storage.memories.mark_missing(tx, chat.id, version.made_at)
        return former or version_id if stored else None

    async def correct(self, chat: Chat, change: str) -> bool:
        """Let the model apply a user's change to the memory. Raises a ModelError.

        False if the memory was changed in the meantime, so the change was based on an older version.
        """
        view = await self._windows.view(chat.id)
        model = self._windows.model(chat)
        length = self._compactor.length(model, view.memory, [change])
        asked = (
            Message("system", instruction("correction", length=length)),
            Message("user", f"The notes:\n\n{view.memory or '(none yet)'}\n\nThe change:\n\n{change}"),
        )
        text = await self._compactor.as_memory(chat, model, await self._side_requests.ask(chat, model, asked))
        memory = self._windows.memory(view.window.through_turn, text, self._clock(), view.covers)
        async with self._storage.transaction() as tx:
            stored = await self._storage.memories.put(tx, view.window.chat, memory)
            if stored:  # a compaction in progress would restore the old text
                await self._storage.chats.begin_epoch(tx, chat.id)
        return stored


def _cached_share(reports: Sequence[Report]) -> float | None:
    usage = reports[0].usage if reports else None
    return usage.cached / usage.input if usage and usage.input else None
