"""Where an update came from, and from whom: that decides the language of what is said to it."""

from telegram import Message, Update, User

from bot.intake.arrival import Burst, place_of
from storage.records import Place


def subject_of(subject: Update | Burst) -> tuple[Place | None, User | None]:
    """Where something came from, and from whom."""
    if isinstance(subject, Burst):
        return subject.place, subject.messages[0].from_user
    message = subject.effective_message
    return place_of(message) if isinstance(message, Message) else None, subject.effective_user
