"""Who is behind a message or an update, and who they are with, for whoever lets them in."""

from telegram import Message, Update, User

from bot.access.door import Sender
from bot.handlers.notices import is_private
from bot.intake.arrival import Burst


def sender(message: Message) -> Sender | None:
    """Who wrote a message. A group's own name is that of its administrators, and its linked channel's posts are known.

    In the name of any other channel anybody may write whose channel it is.
    """
    chat, user = message.sender_chat, message.from_user
    if chat is not None and chat.id != message.chat.id:
        return Sender(chat.id, masked=not message.is_automatic_forward)
    return _person(user)


def sender_in(update: Update | Burst) -> Sender | None:
    """Whose update it is; the messages of a burst in a group are all of one sender."""
    if isinstance(update, Burst):
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
