"""``/export``: the chat's history as a file."""

import asyncio
from collections.abc import Callable
from datetime import datetime, tzinfo

from bot.archive import export as markdown
from bot.archive.export import Exporter
from bot.handlers.callbacks import ExportButton, ExportFormat
from bot.handlers.cancellation import Cancellations, StoppedError
from bot.handlers.context import ButtonContext, MessageContext, argument
from bot.language import plural, texts
from storage.archived_chat import ArchivedChat
from storage.chat_archive import ChatArchive
from storage.records import Button, File, FileKind, Notice

MOST_BYTES = 50_000_000
"""The largest document that Telegram accepts from a bot."""


class ExportHandlers:
    """Writes the file; times in it are in `zone`, `clock` gives Unix seconds, `name` is the bot's name."""

    def __init__(
        self,
        archive: ChatArchive,
        exporter: Exporter,
        cancellations: Cancellations,
        name: str,
        zone: tzinfo,
        clock: Callable[[], float],
    ) -> None:
        self._archive = archive
        self._exporter = exporter
        self._cancellations = cancellations
        self._name = name
        self._zone = zone
        self._clock = clock

    async def export(self, update: MessageContext) -> None:
        """``/export``: with a format, or else with two buttons to choose one."""
        wanted = argument(update.message).casefold()
        if wanted in tuple(ExportFormat):
            notice, stopped = await self._until_stopped(update, ExportFormat(wanted))
            await update.say(notice, also=stopped)
        elif wanted:
            await update.say(update.notice(texts.EXPORT_HOW, alone=True))
        else:
            buttons = (
                Button(texts.EXPORT_JSON, ExportButton(ExportFormat.JSON).pack()),
                Button(texts.EXPORT_MARKDOWN, ExportButton(ExportFormat.MARKDOWN).pack()),
            )
            await update.say(update.notice(texts.EXPORT_ASK, buttons, alone=True))

    async def chosen(self, update: ButtonContext, button: ExportButton) -> None:
        """Replace the question about the format by the file."""
        notice, stopped = await self._until_stopped(update, button.format)
        async with update.finish(also=stopped) as tx:
            if notice.file is not None:
                await update.edit(tx, texts.EXPORT_MADE)
            await update.send(tx, notice)
        await update.acknowledge()

    async def _until_stopped(
        self, update: MessageContext | ButtonContext, form: ExportFormat
    ) -> tuple[Notice, tuple[int, ...]]:
        """The notice to send, and the updates that stopped the export."""
        try:
            return await self._cancellations.until_stopped(update.key, self._export(update, form)), ()
        except StoppedError as exc:
            return _notice(update, texts.STOPPED), exc.update_ids

    async def _export(self, update: MessageContext | ButtonContext, form: ExportFormat) -> Notice:
        """A notice with the file and a caption, or one that says why there is no file."""
        chat = await self._archive.read(update.key)
        if chat is None or not (chat.turns or chat.memory):
            return _notice(update, texts.NOTHING_SAID)
        with_media = form is ExportFormat.JSON and any(turn.media for turn in chat.turns)
        data = await self._data(chat, form, with_media=with_media)
        if data is None and with_media:
            with_media, data = False, await self._data(chat, form, with_media=False)
        if data is None:
            return _notice(update, texts.EXPORT_TOO_LARGE)
        left_out = not with_media and any(turn.media for turn in chat.turns)
        today = datetime.fromtimestamp(self._clock(), self._zone).date()
        name = f"keepsake-{today}.{'json' if form is ExportFormat.JSON else 'md'}"
        return _notice(update, self._caption(chat, left_out=left_out), File(FileKind.DOCUMENT, data, name))

    async def _data(self, chat: ArchivedChat, form: ExportFormat, *, with_media: bool) -> bytes | None:
        """The file's content, or None if it is too large for Telegram."""
        if form is ExportFormat.MARKDOWN:
            data = (await asyncio.to_thread(markdown.to_markdown, chat, self._zone, self._name)).encode()
            return data if len(data) <= MOST_BYTES else None
        written = bytearray()
        async for piece in self._exporter.one(chat, with_media=with_media):
            written += piece.encode()
            if len(written) > MOST_BYTES:
                return None
        return bytes(written)

    def _caption(self, chat: ArchivedChat, *, left_out: bool) -> str:
        days = [
            f"{datetime.fromtimestamp(turn.at, self._zone):%Y-%m-%d}" for turn in (*chat.turns[:1], *chat.turns[-1:])
        ]
        if days[:1] == days[-1:]:  # one day, or none
            span = "".join(texts.EXPORT_DAY.format(day=day) for day in days[:1])
        else:
            span = texts.EXPORT_SPAN.format(first=days[0], last=days[-1])
        messages = plural(len(chat.turns), texts.MESSAGES) + span
        return texts.EXPORTED.format(messages=messages) + (f" {texts.EXPORT_LEFT_OUT}" if left_out else "")


def _notice(update: MessageContext | ButtonContext, text: str, file: File | None = None) -> Notice:
    if isinstance(update, ButtonContext):
        return update.notice(text, file=file)
    return update.notice(text, file=file, alone=True)
