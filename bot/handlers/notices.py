"""What a command says, and what we say in answer to it or to a button, addressed to where that came from."""

from collections.abc import Sequence

from telegram import Chat, Message, User

from bot.inbound.plain import clean
from bot.intake.arrival import place_of
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
) -> Notice:
    """A notice that replies to a message; `until` is when its buttons go, in Unix seconds."""
    return Notice(
        place=place_of(message),
        private=is_private(message),
        text=text,
        reply_to=message.message_id,
        buttons=tuple(buttons),
        button_until=until,
        markdown=markdown,
        file=file,
        quote=quote,
        literals=tuple(literals),
    )


def question(message: Message, text: str, asked: User, placeholder: str | None = None) -> Notice:
    """A notice that the next message of somebody who pressed a button under this message is a reply to.

    In a group Telegram opens the reply for whoever wrote what the question replies to (their own command, where the
    message with the button answers it), and for whoever it mentions.
    """
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
    return Notice(place_of(message), is_private(message), text, edits=message.message_id, buttons=tuple(buttons))


def keyboard(message: Message) -> tuple[Button, ...]:
    """The buttons of ours under a message."""
    rows = message.reply_markup.inline_keyboard if message.reply_markup else ()
    return tuple(Button(one.text, str(one.callback_data)) for row in rows for one in row if one.callback_data)


def argument(message: Message) -> str:
    """What stands behind a command."""
    return "".join((message.text or "").split(maxsplit=1)[1:]).strip()


def is_private(message: Message) -> bool:
    """Whether this is a chat with one person."""
    return message.chat.type == Chat.PRIVATE
