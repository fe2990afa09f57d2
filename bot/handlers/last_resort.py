"""The last resort for unexpected errors: they are logged with a reference that the user gets, and the bot goes on."""

import logging
import secrets

from telegram import Message

from bot.errors import BudgetSpent, ModelError
from bot.handlers.context import UpdateContext
from bot.handlers.notices import answer
from bot.language import texts
from bot.metrics import count_error
from storage import Storage, StorageError
from storage.records import ChatKey, Notice

MOST_DETAILS = 300
"""The most characters to log of a server's error message, which may quote the request."""

log = logging.getLogger(__name__)


class LastResort:
    """Reports unexpected errors."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def in_handler(self, update: UpdateContext, error: BaseException, message: Message | None) -> None:
        """A handler failed: finish its update, which would otherwise fail again after every start.

        `message` is what to reply to, if there is one.
        """
        reference = _logged(error)
        text = texts.FAILURE.format(reference=reference)
        try:
            await update.say(answer(message, text, alone=True) if message is not None else None)
        except StorageError as exc:
            log.error("The failure %s can't be stored; its update is retried at the next start: %s", reference, exc)

    async def in_lane(self, key: ChatKey, error: BaseException) -> None:
        """Answering or delivering failed: give up what is pending, so that the conversation can go on."""
        reference = _logged(error)
        chat = await self._storage.chats.find(key)
        if chat is None:
            return
        notice = Notice(key, chat.private, texts.FAILURE.format(reference=reference))
        open_replies = await self._storage.outbox.deliveries(chat.id)
        async with self._storage.transaction() as tx:
            await self._storage.transcript.give_up(tx, chat.id)
            for delivery in open_replies:
                await self._storage.transcript.sent(tx, delivery.reply_id)
            await self._storage.outbox.add(tx, notice)


def log_unanswered(chat_id: int, exc: ModelError) -> None:
    """Log why there is no answer from the model."""
    fields = {"chat": chat_id, "kind": type(exc).__name__, "model": exc.model, "request": exc.request_id}
    named = ", ".join(f"{name} {value}" for name, value in fields.items() if value)
    level = logging.INFO if isinstance(exc, BudgetSpent) else logging.WARNING
    count_error(exc)
    log.log(level, "No answer from the model (%s): %.*s", named, MOST_DETAILS, exc, extra={"fields": fields})


def _logged(error: BaseException) -> str:
    reference = secrets.token_hex(4)
    count_error(error)
    log.error("Unexpected failure, reference %s", reference, exc_info=error)
    return reference
