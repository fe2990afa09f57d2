"""What a command says, and what we say in answer to it or to a button, addressed to where that came from.

A button that was pressed: its message, and the word that Telegram shows above the chat.

Where an update came from, and from whom: that decides the language of what is said to it.

Who is behind a message or an update, and who they are with, for whoever lets them in.

What stands under a message of ours: buttons, or a reply that Telegram's app opens, which can't be edited later.

Where what a conversation is owed goes to, and in which shape.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from telegram import CallbackQuery, Chat, ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, Message, Update, User
from telegram.error import TelegramError

from bot.access.policy import Sender
from bot.inbound.sanitize import clean
from bot.language import texts
from bot.outbound.content import Destination, Document, EphemeralAudience, Photo, Voice
from bot.outbound.content import File as Upload
from bot.outbound.refusals import failed_there, may_have_arrived
from bot.updates.parsing import MessageBatch, place_of
from bot.updates.raw_updates import seen_by
from storage.records import Button, ChatKey, File, FileKind, Notice

log = logging.getLogger(__name__)


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
        place=place_of(message),
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
    """A notice that the next message of somebody who pressed a button under this message is a reply to.

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
        place_of(message),
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
        place=place_of(message),
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


def argument(message: Message) -> str:
    """What stands behind a command."""
    return "".join((message.text or "").split(maxsplit=1)[1:]).strip()


def _member(message: Message, press: CallbackQuery | None) -> int | None:
    """The person in a group whom an answer to this concerns: nobody knows who speaks as the group, or as a channel."""
    if message.chat.type not in (Chat.GROUP, Chat.SUPERGROUP) or message.chat.is_direct_messages:
        return None
    user = press.from_user if press is not None else message.from_user
    unnamed = press is None and message.sender_chat is not None
    return user.id if user is not None and not user.is_bot and not unnamed else None


def is_private(message: Message) -> bool:
    """Whether this is a chat with one person."""
    return message.chat.type == Chat.PRIVATE


def pressed(update: Update) -> tuple[CallbackQuery, Message | None]:
    """The query, and its message while Telegram still shows it to us."""
    query = update.callback_query
    assert query is not None, "button handlers get callback queries only"
    return query, query.message if isinstance(query.message, Message) else None


async def acknowledge(query: CallbackQuery, text: str) -> None:
    """Answer a press; a late or repeated one can't be answered, and its message tells the user all the same."""
    try:
        await query.answer(text or None)
    except TelegramError as exc:
        log.info("A button press can't be answered: %s", exc)


def subject_of(subject: Update | MessageBatch) -> tuple[ChatKey | None, User | None]:
    """Where something came from, and from whom."""
    if isinstance(subject, MessageBatch):
        return subject.place, subject.messages[0].from_user
    message = subject.effective_message
    return place_of(message) if isinstance(message, Message) else None, subject.effective_user


def sender(message: Message) -> Sender | None:
    """Who wrote a message. A group's own name is that of its administrators, and its linked channel's posts are known.

    In the name of any other channel anybody may write whose channel it is.
    """
    chat, user = message.sender_chat, message.from_user
    if chat is not None and chat.id != message.chat.id:
        return Sender(chat.id, masked=not message.is_automatic_forward)
    return _person(user)


def sender_in(update: Update | MessageBatch) -> Sender | None:
    """Whose update it is; the messages of a burst in a group are all of one sender."""
    if isinstance(update, MessageBatch):
        found = [one for one in map(sender, update.messages) if one is not None]
        return next((one for one in found if one.masked), found[0] if found else None)
    message = update.message or update.edited_message
    return sender(message) if message is not None else _person(update.effective_user)


def sender_of(message: Message) -> int | None:
    """Telegram gives all anonymous administrators one user; who they are is their group."""
    sender = message.sender_chat or message.from_user
    return sender.id if sender else None


def is_personal(message: Message) -> bool:
    """Whether one person talks here: in private, or in their topic of a channel's direct messages."""
    return is_private(message) or bool(message.chat.is_direct_messages)


def _person(user: User | None) -> Sender | None:
    return Sender(user.id) if user is not None else None


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
    place: ChatKey,
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
    aside, number = place.alone_with, reply_to or 0
    topic = (place.thread_id or None) if aside is None else None
    thread, direct = (None, topic) if place.direct else (topic, None)
    alone = None
    if (whom := aside or receiver) is not None:
        answered = -number if number < 0 else None  # see `bot.outbound.ephemeral`
        strictly = aside is not None or min(number, edits or 0) < 0
        alone = EphemeralAudience(whom, query, answered, strictly=strictly)
    quoted = number if number > 0 and not private else None
    return Destination(place.telegram_id, private, thread, direct, quoted, alone=alone)


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
