"""The button beside a draft that ends an answer (Bot API 10.3): python-telegram-bot does not know its update yet."""

from telegram import Update

from storage.records import Place

STOPPED = "stopped_message_generation"
"""The kind of the update."""


def stopped_draft(update: Update) -> tuple[Place, int] | None:
    """Where which draft was stopped; its id is that of the reply. None when it is something else, or not readable."""
    told = update.api_kwargs.get(STOPPED)
    if not isinstance(told, dict) or not isinstance(chat := told.get("chat"), dict):
        return None
    chat_id, thread_id, draft_id = chat.get("id"), told.get("message_thread_id") or 0, told.get("draft_id")
    if not (isinstance(chat_id, int) and isinstance(thread_id, int) and isinstance(draft_id, int)):
        return None
    return Place(chat_id, thread_id), draft_id
