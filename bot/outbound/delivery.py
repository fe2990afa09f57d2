"""Delivery of replies and notices: complete, in order, and retried for as long as it takes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial

from telegram import Bot, InlineKeyboardMarkup
from telegram.constants import ChatAction
from telegram.error import BadRequest, RetryAfter, TelegramError

from bot.errors import Undeliverable
from bot.outbound.bot_api import BotApi, Markup
from bot.outbound.content import Attachment, Blocks, Content, Destination, Document, File, Photo, Rich, Text, Voice
from bot.outbound.flood_control import FloodControl
from bot.outbound.formatting import Conversions, ReplyFormat, add_mention, is_sent_rich, limit_share, mark_literals
from bot.outbound.journal import SendJournal
from bot.outbound.post import NotWantedError, RetryingSender, Wanted, always
from bot.outbound.preview import Preview, PreviewTiming, busy
from bot.outbound.refusals import Features, UnsupportedError, refuses_form, seconds_to_wait, undeliverable
from bot.outbound.splitting import Piece, pieces, plain_piece, quoted_piece

LATE = Piece(Text(""), 0)
"""A placeholder for a piece that can't be converted in time."""
MOST_DELETIONS = 100
"""The most messages that one deleteMessages accepts."""

_UPLOADING = {
    Photo: ChatAction.UPLOAD_PHOTO,
    Voice: ChatAction.UPLOAD_VOICE,
    Document: ChatAction.UPLOAD_DOCUMENT,
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeliveredPart:
    """A delivered message that is part of a reply."""

    message_id: int
    end: int
    """How many characters of the source are delivered, including this part."""


OnPart = Callable[[DeliveredPart], Awaitable[None]]


class Deliverer:
    """Sends the bot's messages to Telegram."""

    def __init__(
        self,
        bot: Bot,
        flood_control: FloodControl,
        features: Features,
        tempo: PreviewTiming | None = None,
        reply_format: ReplyFormat = "auto",
        conversions: Conversions | None = None,
        journal: SendJournal | None = None,
    ) -> None:
        self._bot = bot
        self._flood_control = flood_control
        self._tempo = tempo or PreviewTiming()
        self._features = features
        self._reply_format = reply_format
        self._conversions = conversions or Conversions()
        self._api = BotApi(bot, features, journal)
        self._post = RetryingSender(self._api, flood_control)

    async def deliver(
        self,
        to: Destination,
        source: str,
        on_part: OnPart,
        *,
        offset: int = 0,
        begun: int | None = None,
        wanted: Wanted = always,
        reply_format: str | None = None,
    ) -> None:
        """Send the Markdown `source[offset:]` in as many messages as necessary; `begun` becomes the first of them.

        `on_part` is awaited after each message and before the next, so that after a crash the rest begins at its `end`.
        No more messages are sent once `wanted` returns False. `reply_format` is the chat's choice, if it made one.
        Raises Undeliverable if Telegram refuses permanently.
        """
        edit = begun
        if offset > 0:
            to = replace(to, reply_to=None)
        is_rich = partial(is_sent_rich, source, reply_format or self._reply_format)
        rich_from = offset if await self._conversions.do(len(source), is_rich, lambda: False) else len(source)
        while source[offset:].strip():
            try:
                message_id, piece, rich_from = await self._deliver_part(to, source, offset, edit, rich_from, wanted)
            except NotWantedError:
                return
            offset = piece.end
            await on_part(DeliveredPart(message_id, offset))
            to, edit = replace(to, reply_to=None), None

    async def notice(
        self,
        to: Destination,
        text: str,
        markup: Markup | None = None,
        edit: int | None = None,
        *,
        quote: bool = False,
        literals: Sequence[str] = (),
        calls: tuple[int, str] | None = None,
        wanted: Wanted = always,
    ) -> int | None:
        """Send one of the bot's plain texts, or edit the message `edit`; returns the id of the (last) message.

        None if it was no longer `wanted`.

        A long text takes several messages; the last has the buttons. `quote` shows it as a collapsible quote;
        `literals` are words in it that strangers chose; `calls` is a user whose name it begins with, to be mentioned.
        Raises Undeliverable.
        """
        next_piece = quoted_piece if quote else plain_piece
        offset = 0
        while True:
            piece = next_piece(text, offset)
            last = piece.end >= len(text)
            try:
                content = mark_literals(piece.content, literals)
                if calls is not None and offset == 0:
                    content = add_mention(content, *calls)
                place = replace(to, quiet=not last)
                message_id = await self._post.put(place, content, edit, markup if last else None, wanted)
            except NotWantedError:
                return None
            except BadRequest as exc:
                raise undeliverable(exc) from exc
            if last:
                return message_id
            offset, to, edit = piece.end, replace(to, reply_to=None), None

    async def upload(
        self,
        to: Destination,
        file: File,
        markup: Markup | None = None,
        wanted: Wanted = always,
        begun: int | None = None,
    ) -> int | None:
        """Send a file; returns the message's id, or None if it was no longer `wanted`. Raises Undeliverable.

        `begun`: a message that may be this file already.
        """
        try:
            async with self.busy(to, _UPLOADING[type(file)]):
                return await self._post.put(to, file, begun, markup, wanted)
        except NotWantedError:
            return None
        except BadRequest as exc:
            raise undeliverable(exc) from exc

    async def pass_on(
        self, to: Destination, forms: Sequence[Content | Attachment], wanted: Wanted = always
    ) -> int | None:
        """Send someone's message in the first of these forms that Telegram accepts; None if it is no longer `wanted`.

        A text that is too long for one message takes several. Raises Undeliverable.
        """
        refused: BadRequest | UnsupportedError | Undeliverable | None = None
        for form in forms:
            if isinstance(form, Text) and limit_share(Text(form.text)) > 1:
                return await self.notice(to, form.text, wanted=wanted)
            try:
                return await self._post.put(to, form, None, wanted=wanted)
            except NotWantedError:
                return None
            except (BadRequest, UnsupportedError) as exc:
                log.warning("Telegram refused one form of a message passed on to chat %d: %s", to.chat_id, exc)
                refused = exc
            except Undeliverable as exc:
                if not (isinstance(form, Blocks) and refuses_form(exc.__cause__)):
                    raise
                refused = exc
        raise Undeliverable(f"{type(refused).__name__}: {refused}") from refused

    async def delete(self, chat_id: int, message_ids: Sequence[int]) -> None:
        """Delete messages, as far as Telegram allows: it refuses to delete those older than two days."""
        for start in range(0, len(message_ids), MOST_DELETIONS):
            await self._delete(chat_id, message_ids[start : start + MOST_DELETIONS])

    async def delete_ephemeral(self, to: Destination, message_ids: Sequence[int]) -> None:
        """Delete messages that only one member of a group sees; each takes a request of its own."""
        for message_id in message_ids:
            try:
                await self._api.delete_ephemeral(to, message_id)
            except TelegramError as exc:
                log.info("An ephemeral message in chat %d could not be deleted: %s", to.chat_id, exc)

    async def turn_keyboard(self, to: Destination, message_id: int, keyboard: InlineKeyboardMarkup | None) -> None:
        """Replace or remove the buttons of a message, if it still exists."""
        if message_id > 0:
            await self.drop_keyboard(to.chat_id, message_id, keyboard)
            return
        try:
            await self._api.turn_ephemeral_keyboard(to, message_id, keyboard)
        except TelegramError as exc:
            log.info("The buttons of an ephemeral message in chat %d could not be changed: %s", to.chat_id, exc)

    async def drop_keyboard(self, chat_id: int, message_id: int, instead: InlineKeyboardMarkup | None = None) -> None:
        """Remove or replace the buttons of a message, if it still exists.

        An ephemeral message is skipped: it soon disappears anyway.
        """
        if message_id <= 0:
            return
        try:
            await self._bot.edit_message_reply_markup(chat_id, message_id, reply_markup=instead)
        except TelegramError as exc:
            log.info("The buttons of message %d in chat %d could not be changed: %s", message_id, chat_id, exc)

    def busy(self, to: Destination, action: str = ChatAction.TYPING) -> AbstractAsyncContextManager[None]:
        """Show a chat action such as "typing" while the block runs, if it takes more than a second."""

        async def show() -> None:
            if not self._flood_control.halted(to) and self._flood_control.may_act():
                await self._api.act(to, action)

        return busy(show)

    async def spare_turn(self, to: Destination, wanted: Wanted) -> bool:
        """See ``FloodControl.spare``."""
        return await self._flood_control.spare(to, wanted)

    def preview(
        self,
        to: Destination,
        draft_id: int,
        *,
        begun: int | None,
        on_begun: Callable[[int], Awaitable[None]],
        keyboard: InlineKeyboardMarkup | None = None,
        reply_format: str | None = None,
    ) -> Preview:
        """A preview of an answer being written. `begun`: a message that shows some of it from before a restart."""
        rich = (reply_format or self._reply_format) == "rich"
        return Preview(
            self._api,
            self._flood_control,
            self._tempo,
            to,
            draft_id,
            begun,
            on_begun,
            self._conversions,
            keyboard,
            rich=rich,
        )

    async def _delete(self, chat_id: int, message_ids: Sequence[int]) -> None:
        while True:
            try:
                await self._bot.delete_messages(chat_id, message_ids)
            except RetryAfter as exc:
                await asyncio.sleep(seconds_to_wait(exc))
            except TelegramError as exc:
                log.warning("Messages in chat %d could not be deleted: %s", chat_id, exc)
                return
            else:
                return

    async def _deliver_part(
        self, to: Destination, source: str, offset: int, edit: int | None, rich_from: int, wanted: Wanted
    ) -> tuple[int, Piece, int]:
        """The message with the part at `offset`, and the position from which rich messages are worth trying."""
        async for piece in self._pieces(source, offset, rich=self._features.rich and offset >= rich_from):
            last = not source[piece.end :].strip()
            try:
                place = replace(to, quiet=to.quiet or not last)
                message_id = await self._post.put(place, piece.content, edit, wanted=wanted)
            except UnsupportedError as exc:
                log.info("This Bot API server doesn't support %s", exc)
            except BadRequest as exc:
                log.warning("Telegram refused one form of a part in chat %d: %s", to.chat_id, exc)
                rich_from = max(rich_from, piece.end)
            except Undeliverable as exc:
                if not (isinstance(piece.content, Rich) and refuses_form(exc.__cause__)):
                    raise
                log.warning("Telegram refuses rich messages in chat %d: %s", to.chat_id, exc)
                rich_from = max(rich_from, piece.end)
            else:
                return message_id, piece, rich_from
        raise Undeliverable("refused even as plain text")

    async def _pieces(self, source: str, offset: int, *, rich: bool) -> AsyncIterator[Piece]:
        """The results of ``pieces``, computed one by one; if one takes too long, the plain text."""
        made = pieces(source, offset, rich=rich)
        while True:
            piece = await self._conversions.do(len(source), partial(next, made, None), lambda: LATE)
            if piece is LATE:
                yield plain_piece(source, offset)
            if piece is LATE or piece is None:
                return
            yield piece
