"""Which language an update is answered in."""

from telegram import Message, Update, User

from bot.intake.arrival import Burst, place_of
from bot.language import LANGUAGES, language_of
from storage.records import Chat, Place


def chat_language(chat: Chat | None, code: str | None = None) -> str:
    """The language that the chat has chosen, or the one of this code (IETF), or of whoever spoke there last."""
    if chat is None:
        return language_of(code)
    chosen = chat.choices.language
    return chosen if chosen in LANGUAGES and chosen is not None else language_of(code or chat.heard_language)


def subject_of(subject: Update | Burst) -> tuple[Place | None, User | None]:
    """Where something came from, and from whom."""
    if isinstance(subject, Burst):
        return subject.place, subject.messages[0].from_user
    message = subject.effective_message
    return place_of(message) if isinstance(message, Message) else None, subject.effective_user
