"""A button that was pressed: its message, and the word that Telegram shows above the chat."""

import logging

from telegram import CallbackQuery, Message, Update
from telegram.error import TelegramError

log = logging.getLogger(__name__)


def pressed(update: Update) -> tuple[CallbackQuery, Message | None]:
    """The query, and its message while Telegram still shows it to us."""
    query = update.callback_query
    assert query is not None, "button handlers get callback queries only"
    return query, query.message if isinstance(query.message, Message) else None


async def acknowledge(query: CallbackQuery, text: str) -> None:
    """Answer a press; a late or repeated one can't be answered, and its message tells the user all the same."""
    try:
        await query.answer(text or None)
    except TelegramError as exc:
        log.info("A button press can't be answered: %s", exc)
