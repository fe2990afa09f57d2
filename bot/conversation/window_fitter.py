"""Room for the next answer: a window at its cap is compacted first, or else loses its oldest rounds in one big step."""

import logging
from dataclasses import dataclass

from bot.conversation.compaction import CompactionOutcome
from bot.conversation.maintenance import Maintenance
from bot.conversation.thresholds import MemoryMode
from bot.conversation.window import PromptWindow
from bot.errors import MessageTooLong, ModelError

SURELY_TOO_LONG = 1.15
"""Our count is off by 15 % at most: what is longer than the model's window by more than this is not even tried."""
REFUSED_SHARE = 0.5
"""What is left of a prompt that the server refused as too long: its window may be far smaller than we know."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WindowFitter:
    """Makes it, before a request or after a refused one."""

    upkeep: Maintenance

    async def make(self, chat_id: int) -> None:
        """Bring the window below its cap. Raises MessageTooLong when the newest message alone is too much."""
        view = await self._view(chat_id)
        cap = view.policy.cap
        if view.sizes.total > cap:
            await self._shrink(view, most_prompt=None, most=cap)

    async def make_after_refusal(self, chat_id: int) -> None:
        """The server says that the prompt is too long, whatever we count: leave about half of it.

        Where it has said how long a prompt may be, what it can read is kept. Raises MessageTooLong when there is
        nothing that could be left out but the newest message.
        """
        view = await self._view(chat_id)
        log.warning("Chat %d: a prompt of about %.0f tokens is too long for the model", chat_id, view.sizes.total)
        if view.sizes.total > view.policy.context_window:
            await self._shrink(view, most_prompt=None, most=view.policy.cap)
        else:
            most = REFUSED_SHARE * view.sizes.total
            await self._shrink(view, most_prompt=most, most=most)
        if (await self._view(chat_id)).sizes.total >= view.sizes.total:
            await self.leave_out(chat_id)
            raise MessageTooLong("refused, and nothing else to leave out")

    async def halve(self, chat_id: int) -> None:
        """Let about the older half of the window leave, without a summary: the model refuses to read it."""
        view = await self._view(chat_id)
        await self.upkeep.compactor.drop(chat_id, REFUSED_SHARE * sum(view.sizes.rounds))

    async def leave_out(self, chat_id: int) -> None:
        """The newest message is more than the model can read: it leaves the window, with all that stands before it."""
        await self.upkeep.compactor.leave_out(chat_id)

    async def _shrink(self, view: PromptWindow, *, most_prompt: float | None, most: float) -> None:
        chat_id = view.window.chat.id
        if view.way is MemoryMode.SUMMARY and not self.upkeep.waits(view.window.chat):
            try:
                outcome = await self.upkeep.compact(chat_id, most_prompt=most_prompt)
            except ModelError as exc:
                log.info("Chat %d: rounds leave the window without a summary: %s", chat_id, exc)
                outcome = CompactionOutcome.NOTHING
            if outcome is not CompactionOutcome.NOTHING:
                view = await self._view(chat_id)
        if view.sizes.total > most:
            await self.upkeep.compactor.drop(chat_id, most / 2)
            view = await self._view(chat_id)
        if view.sizes.total > SURELY_TOO_LONG * view.policy.context_window:
            await self.leave_out(chat_id)
            raise MessageTooLong(f"about {view.sizes.total:.0f} tokens")

    async def _view(self, chat_id: int) -> PromptWindow:
        return await self.upkeep.windows.view(chat_id)
