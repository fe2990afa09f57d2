"""What a command says, and what we say in answer to it or to a button, addressed to where that came from."""

from collections.abc import Sequence
from dataclasses import replace

from telegram import CallbackQuery, Chat, Message, User

from bot.inbound.plain import clean
from bot.intake.arrival import place_of
from bot.intake.ephemeral import seen_by
from storage.records import Button, File, Notice


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
