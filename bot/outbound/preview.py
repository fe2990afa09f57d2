"""Previews of answers that are being written. A preview may be late or missing, but never delays the answer.

Only the newest view is shown; older ones are skipped. If a view fails, the next one is tried at its usual time. While
Telegram asks to pause a chat, nothing is sent there.

``busy`` shows a chat action for anything that takes more than a second; Telegram shows each action for five.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from telegram import InlineKeyboardMarkup
from telegram.constants import ChatAction
from telegram.error import RetryAfter, TelegramError

from bot.outbound.bot_api import BotApi
from bot.outbound.content import Destination
from bot.outbound.flood_control import FloodControl
from bot.outbound.formatting import Conversions
from bot.outbound.refusals import seconds_to_wait
from bot.outbound.surfaces import DraftSurface, MessageSurface, PreviewKind, PreviewOutcome, PreviewState, Surface

AFTER_S = 1.0
AGAIN_S = 4.5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PreviewTiming:
    """How often a preview changes, in seconds."""

    draft_gap: float = 1.0
    edit_gap: float = 3.5
    """Between the first edits of a message; the gap grows a little with each."""
    edit_growth: float = 1.1
    longest_edit_gap: float = 15.0
    keep_alive: float = 20.0
    """A draft is repeated after this time, because Telegram drops it after 30 seconds."""
    typing: float = 4.5
    """Between two typing actions, each of which is shown for 5 seconds."""


class Preview:
    """One answer's preview: a context manager around the task that shows it.

    Leaving the context waits for the request in progress, so that `message_id` is right and no draft arrives after the
    final message.
    """

    def __init__(
        self,
        api: BotApi,
        flood_control: FloodControl,
        tempo: PreviewTiming,
        to: Destination,
        draft_id: int,
        begun: int | None,
        on_begun: Callable[[int], Awaitable[None]],
        conversions: Conversions,
        keyboard: InlineKeyboardMarkup | None = None,
        *,
        rich: bool = False,
    ) -> None:
        """`keyboard` is shown below the growing message; a draft has none. `rich`: shown as a rich message."""
        self.shown = False
        """Whether the user has seen any of the answer's text."""
        self.shown_at: float | None = None
        """When the user first saw some of it, in monotonic time."""
        self._api = api
        self._flood_control = flood_control
        self._tempo = tempo
        self._to = to
        self._surface: Surface
        if to.private:
            self._surface = DraftSurface(api, flood_control, to, draft_id, tempo.draft_gap, conversions, rich=rich)
        else:
            gaps = (tempo.edit_gap, tempo.edit_growth, tempo.longest_edit_gap)
            self._surface = MessageSurface(
                api, flood_control, to, begun, on_begun, gaps, conversions, keyboard, rich=rich
            )
        self._view = PreviewState(PreviewKind.NOTHING)
        self._changed = asyncio.Event()
        self._showing = asyncio.Lock()
        self._typed_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    @property
    def message_id(self) -> int | None:
        """The message that shows the answer; None for a draft."""
        return self._surface.message_id

    def update(self, text: str) -> None:
        """Show the whole answer so far, in Markdown."""
        if text.strip():
            self._turn_to(PreviewState(PreviewKind.ANSWER, text))

    def thinking(self) -> None:
        """Show that the model is reasoning, unless there is already text."""
        if self._view.kind is not PreviewKind.ANSWER:
            self._turn_to(PreviewState(PreviewKind.THINKING))

    def note(self, text: str) -> None:
        """Show a line about the wait, unless there is already text."""
        if self._view.kind is not PreviewKind.ANSWER:
            self._turn_to(PreviewState(PreviewKind.NOTE, text))

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"preview {self._to.chat_id}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        try:
            await self._showing.acquire()  # never released, so nothing more is shown
        finally:
            self._task.cancel()
            await asyncio.wait([self._task])
        if not self._task.cancelled() and (failure := self._task.exception()) is not None:
            log.error("The preview in chat %d failed", self._to.chat_id, exc_info=failure)

    def _turn_to(self, view: PreviewState) -> None:
        if view != self._view:
            self._view = view
            self._changed.set()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            async with self._showing:
                outcome = await self._show(self._view)
            if outcome is not PreviewOutcome.NOWHERE:
                await asyncio.sleep(self._surface.gap)
            if outcome is PreviewOutcome.VISIBLE:
                await self._change(self._tempo.keep_alive - self._surface.gap)
            elif outcome is not PreviewOutcome.LATER:
                await self._change(self._tempo.typing)

    async def _show(self, view: PreviewState) -> PreviewOutcome:
        outcome = await self._attempt(self._surface.show(view))
        if outcome is PreviewOutcome.VISIBLE:
            if view.kind is PreviewKind.ANSWER and not self.shown:
                self.shown, self.shown_at = True, time.monotonic()
        else:
            await self._type()
        return outcome

    async def _attempt(self, request: Awaitable[PreviewOutcome]) -> PreviewOutcome:
        try:
            return await request
        except RetryAfter as exc:
            self._flood_control.halt(self._to, seconds_to_wait(exc))
        except TelegramError as exc:
            log.debug("A preview in chat %d was not shown: %s", self._to.chat_id, exc)
        return PreviewOutcome.REFUSED

    async def _type(self) -> None:
        """Show the typing action if the last one is over. It isn't a message, so it takes no turn."""
        now = asyncio.get_running_loop().time()
        if self._flood_control.halted(self._to) or now - self._typed_at < self._tempo.typing:
            return
        self._typed_at = now
        await self._attempt(self._typing())

    async def _typing(self) -> PreviewOutcome:
        await self._api.act(self._to, ChatAction.TYPING)
        return PreviewOutcome.VISIBLE

    async def _change(self, within: float) -> None:
        """Wait until there is something new, for at most `within` seconds."""
        try:
            async with asyncio.timeout(max(within, 0.0)):
                await self._changed.wait()
        except TimeoutError:
            return


@asynccontextmanager
async def busy(show: Callable[[], Awaitable[None]], after: float | None = None) -> AsyncIterator[None]:
    """Call `show` repeatedly while the block runs. It can neither delay the block nor make it fail."""
    sign = asyncio.create_task(_shown(show, AFTER_S if after is None else after), name="sign of life")
    try:
        yield
    finally:
        sign.cancel()


async def _shown(show: Callable[[], Awaitable[None]], after: float) -> None:
    await asyncio.sleep(after)
    while True:
        try:
            await show()
        except TelegramError as exc:
            log.debug("A chat action could not be shown: %s", exc)
        await asyncio.sleep(AGAIN_S)
