"""Which language a conversation is held in."""

from bot.language import LANGUAGES, language_of
from storage.records import Chat


def chat_language(chat: Chat | None, code: str | None = None) -> str:
    """The language that the chat has chosen, or the one of this code (IETF), or of whoever spoke there last."""
    if chat is None:
        return language_of(code)
    chosen = chat.choices.language
    return chosen if chosen in LANGUAGES and chosen is not None else language_of(code or chat.heard_language)
