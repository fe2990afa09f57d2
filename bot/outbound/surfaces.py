"""Where an answer is shown while it is being written: a draft in a private chat, elsewhere an edited message.

A surface makes at most one request per view, and takes a turn from flood control for it. It leaves refusals to its
caller, except if the server is too old for a method: then it continues with what that server supports.
"""

import html
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from typing import Protocol

from telegram import InlineKeyboardMarkup
from telegram.error import BadRequest, TimedOut

from bot.language import texts
from bot.outbound.bot_api import BotApi
from bot.outbound.content import Content, Destination, Rich, Text
from bot.outbound.flood_control import FloodControl
from bot.outbound.formatting import RICH_LIMIT, Conversions, reads_rtl
from bot.outbound.refusals import Refusal, UnsupportedError, classify, lost_topic, refuses_drafts
from bot.outbound.splitting import plain_piece, preview_piece

_FAR_BEHIND = 10_000
"""If this many characters arrive at once, they are skipped unconverted to find the newest part of the answer."""


class PreviewKind(Enum):
    """What a preview shows."""

    NOTHING = auto()
    THINKING = auto()
    NOTE = auto()
    """One of the bot's own lines about the wait."""
    ANSWER = auto()
    """The answer so far, in Markdown."""


@dataclass(frozen=True, slots=True)
class PreviewState:
    """The state of an answer that the user should see."""

    kind: PreviewKind
    text: str = ""


class PreviewOutcome(Enum):
    """The result of showing a view."""

    VISIBLE = auto()
    LATER = auto()
    """No turn was free."""
    NOWHERE = auto()
    """There is nothing to show, or no way to show it."""
    REFUSED = auto()


class Surface(Protocol):
    """One answer's preview."""

    message_id: int | None

    @property
    def gap(self) -> float:
        """Seconds until the next view may be shown."""

    async def show(self, view: PreviewState) -> PreviewOutcome:
        """Show the view. Raises TelegramError."""


class DraftSurface:
    """The draft in a private chat. It shows the newest part of an answer that is too long for one message."""

    def __init__(
        self,
        api: BotApi,
        flood_control: FloodControl,
        to: Destination,
        draft_id: int,
        gap: float,
        conversions: Conversions,
        *,
        rich: bool,
    ) -> None:
        self.message_id: int | None = None
        self.gap = gap
        self._api = api
        self._features = api.features
        self._flood_control = flood_control
        self._to = to
        self._draft_id = draft_id
        self._conversions = conversions
        self._from = 0
        self._wants_rich = rich

    async def show(self, view: PreviewState) -> PreviewOutcome:
        """Send the draft again, which also keeps it alive."""
        while (content := await self._content(view)) is not None:
            if not self._flood_control.free(self._to):
                return PreviewOutcome.LATER
            try:
                await self._api.draft(self._to, self._draft_id, content)
            except UnsupportedError:
                continue
            except BadRequest as exc:
                if not self._is_learned(exc):
                    raise
                continue
            return PreviewOutcome.VISIBLE
        return PreviewOutcome.NOWHERE

    def _is_learned(self, exc: BadRequest) -> bool:
        """Whether the next attempt will differ: without the deleted topic, or none at all in this chat."""
        if self._to.thread_id is not None and lost_topic(exc):
            self._to = replace(self._to, thread_id=None)
            return True
        if refuses_drafts(exc):
            draftless = self._features.draftless
            draftless.add(self._to.chat_id)
            return True
        return False

    async def _content(self, view: PreviewState) -> Content | None:
        if self._to.chat_id in self._features.draftless:
            return None
        rich = self._wants_rich and self._features.rich
        if view.kind is PreviewKind.NOTHING or not (rich or self._features.drafts):
            return None
        if view.kind is PreviewKind.ANSWER:
            newest = partial(self._newest, view.text, rich=rich)
            return await self._conversions.do(len(view.text), newest, lambda: None)
        if view.kind is PreviewKind.NOTE:
            return _rich("p", view.text) if rich else Text(view.text)
        if not rich:
            return Text("")  # Telegram's apps show "Thinking..." in their own language
        return _rich("tg-thinking", texts.DRAFT_THINKING)

    def _newest(self, text: str, *, rich: bool) -> Content:
        if self._from >= len(text):
            self._from = 0
        while len(text) - self._from > (RICH_LIMIT if rich else _FAR_BEHIND):  # no one has seen the text in between
            self._from = plain_piece(text, self._from).end
        while True:
            piece = preview_piece(text, self._from, rich=rich)
            if piece.end >= len(text):
                return piece.content
            self._from = piece.end


def _rich(tag: str, words: str) -> Rich:
    """The bot's own words in an element of a rich message."""
    body = html.escape(words)
    return Rich(f"<{tag}>{body}</{tag}>", is_rtl=reads_rtl(body))


class MessageSurface:
    """The message in a group that is edited as the answer grows; it will be the first part of the answer.

    If the request that begins it times out, it may exist anyway, so no second one is begun.
    """

    def __init__(
        self,
        api: BotApi,
        flood_control: FloodControl,
        to: Destination,
        begun: int | None,
        on_begun: Callable[[int], Awaitable[None]],
        gaps: tuple[float, float, float],
        conversions: Conversions,
        keyboard: InlineKeyboardMarkup | None = None,
        *,
        rich: bool,
    ) -> None:
        """`keyboard` is shown below the message while the answer grows; the final edit removes it."""
        self.message_id = begun
        self._keyboard = keyboard
        self._conversions = conversions
        self.gap, self._growth, self._longest_gap = gaps
        self._api = api
        self._features = api.features
        self._flood_control = flood_control
        self._to = to
        self._on_begun = on_begun
        self._last: Content | None = None
        self._wants_rich = rich
        self._may_begin = True

    async def show(self, view: PreviewState) -> PreviewOutcome:
        """Begin the message, or edit it if the view is new."""
        while (content := await self._content(view)) is not None:
            if content == self._last:
                return PreviewOutcome.VISIBLE
            if not self._flood_control.free(self._to):
                return PreviewOutcome.LATER
            try:
                await self._put(content)
            except UnsupportedError:
                continue
            self._last = content
            return PreviewOutcome.VISIBLE
        return PreviewOutcome.NOWHERE

    async def _content(self, view: PreviewState) -> Content | None:
        if self.message_id is None and not self._may_begin:
            return None
        if view.kind is PreviewKind.ANSWER:
            rich = self._wants_rich and self._features.rich
            first = partial(preview_piece, view.text, 0, rich=rich)
            piece = await self._conversions.do(len(view.text), first, lambda: None)
            return piece.content if piece is not None else None
        if view.kind is PreviewKind.NOTE:
            return Text(view.text)
        # An ephemeral answer must be begun within seconds of the question; later it can't be shown to one member alone.
        return Text(texts.DRAFT_THINKING) if self._to.alone is not None and self.message_id is None else None

    async def _put(self, content: Content) -> None:
        if self.message_id is None:
            await self._begin(content)
            return
        self.gap = min(self.gap * self._growth, self._longest_gap)
        try:
            await self._api.edit(self._to, self.message_id, content, self._keyboard)
        except BadRequest as exc:
            if classify(exc) is not Refusal.NOT_MODIFIED:
                raise

    async def _begin(self, content: Content) -> None:
        try:
            self.message_id = await self._api.send(self._to, content, self._keyboard)
        except (TimedOut, BadRequest) as exc:
            # If it can't be shown to one member alone, no one else may see it.
            self._may_begin = self._to.alone is None and not isinstance(exc, TimedOut)
            raise
        await self._on_begun(self.message_id)
