"""Provisional."""

from telegram import Message


def is_other_bot(message: Message) -> bool:
    """Provisional."""
    return bool(message.from_user and message.from_user.is_bot and message.sender_chat is None)
