"""Notices: what the bot says in answer to a message, and how they are addressed and sent."""

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
    """A notice that replies to a message; `until` is when its buttons go, in Unix seconds.

    `alone`: in a group it concerns only whoever wrote the message, or whose `press` under it this answers. What answers
    an ephemeral message does anyway.
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
    """A notice that the next message of someone who pressed a button under this message is a reply to.

    In a group Telegram opens the reply for whoever wrote what the question replies to (their own command, where the
    message with the button answers it), and for whoever it mentions. `query` is the press.
    """
    if seen_by(message) is not None:
        return replace(answer(message, text), asks=True, placeholder=placeholder, query=query)
    theirs = message.reply_to_message
    own = theirs is not None and theirs.from_user is not None and theirs.from_user.id == asked.id
    reply_to = theirs.message_id if own and theirs is not None else message.message_id
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
    """A message of ours turned into another one."""
    return Notice(
        key=key_of(message),
        private=is_private(message),
        text=text,
        edits=message.message_id,
        buttons=tuple(buttons),
        receiver=seen_by(message),
    )


def keyboard(message: Message) -> tuple[Button, ...]:
    """The buttons of ours under a message."""
    rows = message.reply_markup.inline_keyboard if message.reply_markup else ()
    return tuple(Button(one.text, str(one.callback_data)) for row in rows for one in row if one.callback_data)


def is_private(message: Message) -> bool:
    """Whether this is a chat with one person."""
    return message.chat.type == Chat.PRIVATE


def below(notice: Notice) -> InlineKeyboardMarkup | ForceReply | None:
    """What stands under a notice; in a group a question opens the reply of whoever is asked."""
    if notice.asks:
        return ForceReply(selective=True, input_field_placeholder=notice.placeholder)
    return markup(notice.buttons)


def markup(buttons: Sequence[Button]) -> InlineKeyboardMarkup | None:
    """Buttons below one another."""
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
    """Where a conversation is; `reply_to` is quoted in groups only.

    `receiver`: who alone is to see it there, if anybody, after the press `query`. What answers something that nobody
    else has seen, or takes the place of it (`edits`), is shown to nobody else: negative numbers are such messages'.
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
    """A file as it is sent."""
    if file.kind is FileKind.PHOTO:
        return Photo(file.data, caption)
    if file.kind is FileKind.VOICE:
        return Voice(file.data, caption)
    return Document(file.data, file.name or "file", caption)


def why_no_file(cause: BaseException | None) -> str:
    """What is said in place of a file that Telegram did not take."""
    if may_have_arrived(cause):
        return texts.UPLOAD_LATE
    return texts.UPLOAD_FAILED if failed_there(cause) else texts.UPLOAD_REFUSED


def _member(message: Message, press: CallbackQuery | None) -> int | None:
    """The person in a group whom an answer to this concerns: nobody knows who speaks as the group, or as a channel."""
    if message.chat.type not in (Chat.GROUP, Chat.SUPERGROUP) or message.chat.is_direct_messages:
        return None
    user = press.from_user if press is not None else message.from_user
    unnamed = press is None and message.sender_chat is not None
    return user.id if user is not None and not user.is_bot and not unnamed else None
