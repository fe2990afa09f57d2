"""Provisional."""

from telegram import Message


def described(message: Message) -> str | None:
    """Provisional."""
    if message.photo:
        return "[photo]"
    return "[something]" if message.effective_attachment is not None else None
