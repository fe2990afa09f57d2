"""Building notices, their destinations and their keyboards."""

from collections.abc import Sequence
from dataclasses import replace

from telegram import CallbackQuery, Chat, ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, Message, User

from bot.inbound.sanitize import clean
from bot.language import texts
from bot.outbound.content import Destination, Document, EphemeralAudience, Photo, Voice
from bot.outbound.content import File as Upload
from bot.outbound.refusals import failed_there, may_have_arrived
from bot.updates.parsing import key_of
from bot.updates.raw_updates import seen_by
from storage.records import Button, ChatKey, File, FileKind, Notice


def answer(
    message: Message,
    text: str,
    buttons: Sequence[Button] = (),
    *,
    until: float | None = None,
    markdown: bool = False,
    file: File | None = None,
    quote: bool = False,
    literals: Sequence[str] = (),
    alone: bool = False,
    press: CallbackQuery | None = None,
) -> Notice:
    """A notice that replies to a message; `until` is when its buttons are removed, in Unix seconds.

    `alone`: in a group it is shown only to the author of the message, or to the person whose `press` under it this
    answers. Replies to ephemeral messages always are.
    """
    member = seen_by(message) or (_member(message, press) if alone else None)
    return Notice(
        key=key_of(message),
        private=is_private(message),
        text=text,
        reply_to=message.message_id or None,
        buttons=tuple(buttons),
        button_until=until,
        markdown=markdown,
        file=file,
        quote=quote,
        literals=tuple(literals),
        receiver=member,
        query=press.id if press is not None and member is not None else None,
    )


def question(
    message: Message, text: str, asked: User, placeholder: str | None = None, query: str | None = None
) -> Notice:
    """A question to someone who pressed a button under this message, whose app opens a reply to it.

    In a group, Telegram opens the reply for the author of the message that the question replies to, and for people it
    mentions. So it replies to the person's own command if the message with the button does, and otherwise mentions
    them. `query` is the ID of the press.
    """
    if seen_by(message) is not None:
        return replace(answer(message, text), asks=True, placeholder=placeholder, query=query)
    command = message.reply_to_message
    own = command is not None and command.from_user is not None and command.from_user.id == asked.id
    reply_to = command.message_id if own and command is not None else message.message_id
    name = "" if own or is_private(message) else clean(asked.full_name)
    return Notice(
        key_of(message),
        is_private(message),
        f"{name}: {text}" if name else text,
        reply_to=reply_to,
        asks=True,
        placeholder=placeholder,
        calls=(asked.id, name) if name else None,
    )


def edited(message: Message, text: str, buttons: Sequence[Button] = ()) -> Notice:
    """An edit of one of the bot's messages."""
    return Notice(
        key=key_of(message),
        private=is_private(message),
        text=text,
        edits=message.message_id,
        buttons=tuple(buttons),
        receiver=seen_by(message),
    )


def keyboard(message: Message) -> tuple[Button, ...]:
    """The buttons under a message that have data."""
    rows = message.reply_markup.inline_keyboard if message.reply_markup else ()
    return tuple(Button(key.text, str(key.callback_data)) for row in rows for key in row if key.callback_data)


def is_private(message: Message) -> bool:
    """Whether this is a chat with one person."""
    return message.chat.type == Chat.PRIVATE


def below(notice: Notice) -> InlineKeyboardMarkup | ForceReply | None:
    """The markup under a notice: its buttons, or for a question, the opened reply of the person who is asked."""
    if notice.asks:
        return ForceReply(selective=True, input_field_placeholder=notice.placeholder)
    return markup(notice.buttons)


def markup(buttons: Sequence[Button]) -> InlineKeyboardMarkup | None:
    """A keyboard with one button per row."""
    rows = [[InlineKeyboardButton(button.label, callback_data=button.data)] for button in buttons]
    return InlineKeyboardMarkup(rows) if rows else None


def destination(
    key: ChatKey,
    private: bool,
    reply_to: int | None,
    receiver: int | None = None,
    query: str | None = None,
    edits: int | None = None,
) -> Destination:
    """Where to send to a conversation; `reply_to` is only used in groups.

    `receiver`: the only member to see it, in answer to the press `query`. Replies to ephemeral messages, and edits of
    them (`edits`), must not be shown to anyone else; these messages have negative IDs.
    """
    aside, number = key.alone_with, reply_to or 0
    topic = (key.thread_id or None) if aside is None else None
    thread, direct = (None, topic) if key.direct else (topic, None)
    alone = None
    if (whom := aside or receiver) is not None:
        answered = -number if number < 0 else None  # see `bot.outbound.ephemeral`
        strictly = aside is not None or min(number, edits or 0) < 0
        alone = EphemeralAudience(whom, query, answered, strictly=strictly)
    quoted = number if number > 0 and not private else None
    return Destination(key.telegram_id, private, thread, direct, quoted, alone=alone)


def attachment(file: File, caption: str) -> Upload:
    if file.kind is FileKind.PHOTO:
        return Photo(file.data, caption)
    if file.kind is FileKind.VOICE:
        return Voice(file.data, caption)
    return Document(file.data, file.name or "file", caption)


def why_no_file(cause: BaseException | None) -> str:
    """The text to send in place of a file that could not be uploaded."""
    if may_have_arrived(cause):
        return texts.UPLOAD_LATE
    return texts.UPLOAD_FAILED if failed_there(cause) else texts.UPLOAD_REFUSED


def _member(message: Message, press: CallbackQuery | None) -> int | None:
    """The group member that a reply concerns; None if they write in the name of the group or a channel."""
    if message.chat.type not in (Chat.GROUP, Chat.SUPERGROUP) or message.chat.is_direct_messages:
        return None
    user = press.from_user if press is not None else message.from_user
    unnamed = press is None and message.sender_chat is not None
    return user.id if user is not None and not user.is_bot and not unnamed else None
