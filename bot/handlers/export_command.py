"""``/export``: the chat's history as a file."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from telegram import CallbackQuery, Message, Update

from bot.archive import export as markdown
from bot.archive.export import Exporter
from bot.handlers.cancellation import Cancellations, StoppedError
from bot.handlers.context import acknowledge, answer, argument, edited, pressed
from bot.language import plural, texts
from bot.updates.parsing import place_of
from storage import Storage
from storage.chat_archive import ArchivedChat
from storage.records import Button, File, FileKind, Notice

EXPORT = "export:"
"""How the data of the buttons begins; the form follows."""
MOST_BYTES = 50_000_000
"""Telegram takes documents of 50 MB from a bot."""


class ExportFormat(StrEnum):
    """Which kind of file."""

    JSON = "json"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class ExportHandlers:
    """Writes the file; times are those of `zone`, `clock` gives Unix seconds, `name` is the bot's own."""

    storage: Storage
    exporter: Exporter
    endings: Cancellations
    name: str
    zone: tzinfo
    clock: Callable[[], float]

    async def export(self, update: Update, _: object) -> None:
        """``/export``, with a form or with two buttons to choose it."""
        message = update.message
        assert message is not None
        wanted, done = argument(message).casefold(), [update.update_id]
        if wanted in tuple(ExportFormat):
            notice, done = await self._until_stopped(message, ExportFormat(wanted), done)
        elif wanted:
            notice = answer(message, texts.EXPORT_HOW, alone=True)
        else:
            buttons = (
                Button(texts.EXPORT_JSON, f"{EXPORT}{ExportFormat.JSON}"),
                Button(texts.EXPORT_MARKDOWN, f"{EXPORT}{ExportFormat.MARKDOWN}"),
            )
            notice = answer(message, texts.EXPORT_ASK, buttons, alone=True)
        async with self.storage.transaction() as tx:
            await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, done)

    async def chosen(self, update: Update, _: object) -> None:
        """The form was chosen: the question gives way to the file."""
        query, message = pressed(update)
        notice, done = None, [update.update_id]
        if message is not None:
            form = ExportFormat((query.data or "").removeprefix(EXPORT))
            notice, done = await self._until_stopped(message, form, done, query)
        async with self.storage.transaction() as tx:
            if message is not None and notice is not None:
                if notice.file is not None:
                    await self.storage.notices.add(tx, edited(message, texts.EXPORT_MADE))
                await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, done)
        await acknowledge(query, "" if notice else texts.OLD_BUTTON)

    async def _until_stopped(
        self, message: Message, form: ExportFormat, done: list[int], press: CallbackQuery | None = None
    ) -> tuple[Notice, list[int]]:
        """What is sent, and the updates that are done with that."""
        try:
            return await self.endings.until_stopped(place_of(message), self._made(message, form, press)), done
        except StoppedError as exc:
            return answer(message, texts.STOPPED, alone=True, press=press), [*done, *exc.update_ids]

    async def _made(self, message: Message, form: ExportFormat, press: CallbackQuery | None) -> Notice:
        """The file with what it holds, or a sentence that there is none."""
        chat = await self.storage.archive.read(place_of(message))
        if chat is None or not (chat.turns or chat.memory):
            return answer(message, texts.NOTHING_SAID, alone=True, press=press)
        with_media = form is ExportFormat.JSON and any(turn.media for turn in chat.turns)
        data = await self._data(chat, form, with_media=with_media)
        if data is None and with_media:
            with_media, data = False, await self._data(chat, form, with_media=False)
        if data is None:
            return answer(message, texts.EXPORT_TOO_LARGE, alone=True, press=press)
        left_out = not with_media and any(turn.media for turn in chat.turns)
        today = datetime.fromtimestamp(self.clock(), self.zone).date()
        name = f"keepsake-{today}.{'json' if form is ExportFormat.JSON else 'md'}"
        file, caption = File(FileKind.DOCUMENT, data, name), self._caption(chat, left_out=left_out)
        return answer(message, caption, file=file, alone=True, press=press)

    async def _data(self, chat: ArchivedChat, form: ExportFormat, *, with_media: bool) -> bytes | None:
        """The file; None when it is larger than Telegram takes."""
        if form is ExportFormat.MARKDOWN:
            data = (await asyncio.to_thread(markdown.written, chat, self.zone, self.name)).encode()
            return data if len(data) <= MOST_BYTES else None
        written = bytearray()
        async for piece in self.exporter.one(chat, with_media=with_media):
            written += piece.encode()
            if len(written) > MOST_BYTES:
                return None
        return bytes(written)

    def _caption(self, chat: ArchivedChat, *, left_out: bool) -> str:
        days = [
            f"{datetime.fromtimestamp(turn.at, self.zone):%Y-%m-%d}" for turn in (*chat.turns[:1], *chat.turns[-1:])
        ]
        span = texts.EXPORT_SPAN.format(first=days[0], last=days[-1]) if days else ""
        told = plural(len(chat.turns), texts.MESSAGES) + span
        return texts.EXPORTED.format(messages=told) + (f" {texts.EXPORT_LEFT_OUT}" if left_out else "")
