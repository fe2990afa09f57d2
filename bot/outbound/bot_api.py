"""The Bot API as this package uses it: one method per action, whichever Telegram method that takes.

For a 404, python-telegram-bot's own methods raise `InvalidToken` and raw requests `EndPointNotFound`; both become
`UnsupportedError`, and `Features` remembers it. All other errors pass through.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial

from telegram import Bot, ForceReply, InlineKeyboardMarkup, LinkPreviewOptions, Message, ReplyParameters
from telegram.error import BadRequest, EndPointNotFound, InvalidToken

from bot.outbound.content import Attachment, Blocks, Content, Copied, Destination, File, Photo, Rich, Voice
from bot.outbound.ephemeral import EphemeralMessages, Fields, number_of
from bot.outbound.journal import NoJournal, SendJournal
from bot.outbound.refusals import Features, UnsupportedError, is_unauthorized, lost_topic

UPLOAD_ANSWER_S = 60.0
"""How long Telegram may take to answer an upload: one that times out is sent again, and would then appear twice."""

Markup = InlineKeyboardMarkup | ForceReply
STOPPABLE = {"can_stop": True, "keep_on_stop": True}
"""The draft has a stop button (Bot API 10.3) and stays until the message comes. Older servers ignore these fields."""
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
"""Rich messages have no link previews either: Telegram would fetch a page as soon as a model writes its address."""


class BotApi:
    """Sends content to one Bot API server."""

    def __init__(self, bot: Bot, features: Features, journal: SendJournal | None = None) -> None:
        self.features = features
        self._journal = journal or NoJournal()
        self._bot = bot
        self._ephemeral = EphemeralMessages(bot, features)

    async def send(self, to: Destination, content: Content | Attachment, markup: Markup | None = None) -> int:
        """Send a message; returns its id, which is negative for an ephemeral message."""

        async def send(to: Destination, more: Fields) -> int:
            await self._journal.begin(to)  # older servers make ordinary messages of ephemeral ones
            message_id = await self._send(to, content, markup, dict(more))
            self._journal.arrived(to, message_id)
            return message_id

        if to.alone is None:
            return await send(to, {})
        return await self._ephemeral.send(to, to.alone, send)

    async def _send(
        self, to: Destination, content: Content | Attachment, markup: Markup | None, more: dict[str, object]
    ) -> int:
        if isinstance(content, Rich | Blocks):
            return await self._send_rich(to, content, markup, more)
        if isinstance(content, Copied):
            return await self._copy(to, content, markup)
        if isinstance(content, Attachment):
            return await self._upload(to, content, markup, more)
        message = await self._bot.send_message(
            to.chat_id,
            content.text,
            entities=content.entities or None,
            message_thread_id=to.thread_id,
            direct_messages_topic_id=to.direct_topic_id,
            reply_parameters=_reply(to),
            reply_markup=markup,
            link_preview_options=content.preview or _NO_PREVIEW,
            disable_notification=to.quiet or None,
            api_kwargs=more or None,
        )
        return number_of(message)

    async def edit(
        self, to: Destination, message_id: int, content: Content | File, keyboard: InlineKeyboardMarkup | None = None
    ) -> None:
        """Replace a message's content; of a file, the caption. An ephemeral message can't become a file."""
        if message_id <= 0 and not isinstance(content, File):
            await self._ephemeral.edit(to, message_id, _fields(content), keyboard)
            return
        if isinstance(content, Rich):
            await self._edit_rich(to, message_id, content, keyboard)
            return
        if isinstance(content, File):
            await self._bot.edit_message_caption(to.chat_id, message_id, caption=content.caption, reply_markup=keyboard)
            return
        await self._bot.edit_message_text(
            content.text,
            to.chat_id,
            message_id,
            entities=content.entities or None,
            reply_markup=keyboard,
            link_preview_options=_NO_PREVIEW,
        )

    async def draft(self, to: Destination, draft_id: int, content: Content) -> None:
        """Show a draft in a private chat for 30 seconds; empty text shows "Thinking..."."""
        if isinstance(content, Rich):
            fields = {"chat_id": to.chat_id, "draft_id": draft_id, "rich_message": _rich(content)}
            with self._needs_rich():
                await self._bot.do_api_request("sendRichMessageDraft", _topic(to) | fields | STOPPABLE)
            return
        try:
            await self._bot.send_message_draft(
                to.chat_id,
                draft_id,
                content.text,
                message_thread_id=to.thread_id,
                entities=content.entities or None,
                api_kwargs=STOPPABLE,
            )
        except InvalidToken as exc:
            if is_unauthorized(exc):
                raise
            self.features.drafts = False
            raise UnsupportedError("sendMessageDraft") from exc

    async def delete_ephemeral(self, to: Destination, message_id: int) -> None:
        """Delete an ephemeral message."""
        await self._ephemeral.delete(to, message_id)

    async def turn_ephemeral_keyboard(
        self, to: Destination, message_id: int, keyboard: InlineKeyboardMarkup | None
    ) -> None:
        """Replace or remove the buttons of an ephemeral message."""
        await self._ephemeral.turn_keyboard(to, message_id, keyboard)

    async def act(self, to: Destination, action: str) -> None:
        """Show a chat action for five seconds; direct messages of channels don't support them."""
        if to.direct_topic_id is not None:
            return
        try:
            await self._bot.send_chat_action(to.chat_id, action, message_thread_id=to.thread_id)
        except BadRequest as exc:
            if not to.private or to.thread_id is None or not lost_topic(exc):
                raise
            await self._bot.send_chat_action(to.chat_id, action)

    async def _copy(self, to: Destination, copied: Copied, markup: Markup | None) -> int:
        message = await self._bot.copy_message(
            to.chat_id,
            copied.chat_id,
            copied.message_id,
            message_thread_id=to.thread_id,
            direct_messages_topic_id=to.direct_topic_id,
            reply_parameters=_reply(to),
            reply_markup=markup,
            disable_notification=to.quiet or None,
            caption=copied.caption,
            caption_entities=copied.entities or None,
            show_caption_above_media=copied.above or None,
        )
        return message.message_id

    async def _upload(self, to: Destination, file: File, markup: Markup | None, more: dict[str, object]) -> int:
        message = await self._uploading(to.chat_id, file)(
            message_thread_id=to.thread_id,
            direct_messages_topic_id=to.direct_topic_id,
            reply_parameters=_reply(to),
            reply_markup=markup,
            disable_notification=to.quiet or None,
            read_timeout=UPLOAD_ANSWER_S,
            api_kwargs=more or None,
        )
        return number_of(message)

    def _uploading(self, chat_id: int, file: File) -> Callable[..., Awaitable[Message]]:
        """The method that sends this kind of file, with its content and caption."""
        if isinstance(file, Photo):
            return partial(self._bot.send_photo, chat_id, file.png, file.caption)
        if isinstance(file, Voice):
            return partial(self._bot.send_voice, chat_id, file.ogg, caption=file.caption)
        return partial(self._bot.send_document, chat_id, file.data, file.caption, filename=file.name)

    async def _send_rich(
        self, to: Destination, content: Rich | Blocks, markup: Markup | None, more: dict[str, object]
    ) -> int:
        fields = {
            "chat_id": to.chat_id,
            "rich_message": _rich(content),
            "reply_parameters": _reply(to),
            "reply_markup": markup,
            "disable_notification": to.quiet or None,
        }
        with self._needs_rich():
            message = await self._bot.do_api_request("sendRichMessage", _topic(to) | fields | more)
        return number_of(message)

    async def _edit_rich(
        self, to: Destination, message_id: int, content: Rich, keyboard: InlineKeyboardMarkup | None
    ) -> None:
        try:
            await self._bot.edit_message_text(
                None,  # type: ignore[arg-type]  # a rich edit has no text, which this version's signature can't say
                to.chat_id,
                message_id,
                reply_markup=keyboard,
                api_kwargs={"rich_message": _rich(content)},
            )
        except BadRequest as exc:
            # An older server knows the method but not the field, and reports a missing text.
            if "text is empty" not in exc.message.lower():
                raise
            self.features.rich = False
            raise UnsupportedError("rich_message in editMessageText") from exc

    @contextmanager
    def _needs_rich(self) -> Iterator[None]:
        try:
            yield
        except (EndPointNotFound, InvalidToken) as exc:
            if is_unauthorized(exc):
                raise
            self.features.rich = False
            raise UnsupportedError("rich messages") from exc


def _reply(to: Destination) -> ReplyParameters | None:
    return None if to.reply_to is None else ReplyParameters(to.reply_to, allow_sending_without_reply=True)


def _fields(content: Content) -> dict[str, object]:
    """The content as fields of an ephemeral edit."""
    if isinstance(content, Rich):
        return {"rich_message": _rich(content)}
    return {"text": content.text, "entities": content.entities or None, "link_preview_options": _NO_PREVIEW}


def _rich(content: Rich | Blocks) -> dict[str, object]:
    if isinstance(content, Blocks):
        blocks: dict[str, object] = json.loads(content.json)
        return blocks
    return {"html": content.html} | ({"is_rtl": True} if content.is_rtl else {})


def _topic(to: Destination) -> dict[str, object]:
    topics = {"message_thread_id": to.thread_id, "direct_messages_topic_id": to.direct_topic_id}
    return {name: number for name, number in topics.items() if number is not None}
