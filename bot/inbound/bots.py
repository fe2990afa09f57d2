"""Messages of other bots, and of those that Telegram only calls so."""

from telegram import Message
from telegram.constants import ChatID

_PEOPLE = frozenset({ChatID.ANONYMOUS_ADMIN, ChatID.FAKE_CHANNEL})
"""What stands as the sender where an administrator or a channel speaks without a name of their own."""

SHARED = _PEOPLE | {ChatID.SERVICE_CHAT}
"""Numbers that stand for many at once."""


def is_other_bot(message: Message) -> bool:
    """Whether another bot speaks, and no person behind one of Telegram's own."""
    sender = message.from_user
    return sender is not None and sender.is_bot and sender.id not in _PEOPLE and message.sender_chat is None
