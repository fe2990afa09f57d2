"""Fitting of a window before a request: at its cap it is compacted, or else loses its oldest rounds in one big step."""

import logging

from bot.conversation.compaction import CompactionOutcome, Compactor
from bot.conversation.maintenance import Maintenance
from bot.conversation.thresholds import MemoryMode
from bot.conversation.window import PromptWindow, WindowReader
from bot.errors import MessageTooLong, ModelError

SURELY_TOO_LONG = 1.15
"""Counts are off by at most 15 %: anything longer than the window by more than that isn't even tried."""
REFUSED_SHARE = 0.5
"""What is kept of a prompt that the server refused as too long: its window may be far smaller than known."""

log = logging.getLogger(__name__)


class WindowFitter:
    """Makes room in a window, before a request or after a refusal."""

    def __init__(self, windows: WindowReader, maintenance: Maintenance, compactor: Compactor) -> None:
        self._windows = windows
        self._maintenance = maintenance
        self._compactor = compactor

    async def make(self, chat_id: int) -> PromptWindow | None:
        """Bring the window below its cap. Raises MessageTooLong if the newest message alone is too long.

        Returns the window; None if it was changed, and has to be read again.
        """
        view = await self._view(chat_id)
        cap = view.policy.cap
        if view.sizes.total <= cap:
            return view
        await self._shrink(view, most_prompt=None, most=cap)
        return None

    async def make_after_refusal(self, chat_id: int) -> None:
        """The server refused the prompt as too long, whatever the count says: keep about half of it.

        If the server said how long a prompt may be, that much is kept. Raises MessageTooLong if nothing but the newest
        message could be left out.
        """
        view = await self._view(chat_id)
        log.warning(
            "Chat %d: a prompt of about %.0f tokens is too long for the model",
            view.window.chat.key.telegram_id,
            view.sizes.total,
        )
        if view.sizes.total > view.policy.context_window:
            await self._shrink(view, most_prompt=None, most=view.policy.cap)
        else:
            most = REFUSED_SHARE * view.sizes.total
            await self._shrink(view, most_prompt=most, most=most)
        if (await self._view(chat_id)).sizes.total >= view.sizes.total:
            await self.leave_out(chat_id)
            raise MessageTooLong("refused, and nothing else to leave out")

    async def halve(self, chat_id: int) -> None:
        """Drop about the older half of the window without a summary, because the model refuses to read it."""
        view = await self._view(chat_id)
        await self._compactor.drop(chat_id, REFUSED_SHARE * sum(view.sizes.rounds))

    async def leave_out(self, chat_id: int) -> None:
        """Drop the newest message, which is too long for the model, and everything before it."""
        await self._compactor.leave_out(chat_id)

    async def _shrink(self, view: PromptWindow, *, most_prompt: float | None, most: float) -> None:
        chat_id = view.window.chat.id
        if view.mode is MemoryMode.SUMMARY and not self._maintenance.waits(view.window.chat):
            try:
                outcome = await self._maintenance.compact(chat_id, most_prompt=most_prompt)
            except ModelError as exc:
                log.info(
                    "Chat %d: rounds leave the window without a summary: %s", view.window.chat.key.telegram_id, exc
                )
                outcome = CompactionOutcome.NOTHING
            if outcome is not CompactionOutcome.NOTHING:
                view = await self._view(chat_id)
        if view.sizes.total > most:
            await self._compactor.drop(chat_id, most / 2)
            view = await self._view(chat_id)
        if view.sizes.total > SURELY_TOO_LONG * view.policy.context_window:
            await self.leave_out(chat_id)
            raise MessageTooLong(f"about {view.sizes.total:.0f} tokens")

    async def _view(self, chat_id: int) -> PromptWindow:
        return await self._windows.view(chat_id)
