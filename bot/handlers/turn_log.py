"""One line in the log for each answered turn, with IDs and numbers and no word of it, and its times in the metrics."""

import logging
import time

from bot.conversation.answer import AnswerInFlight, Interruption, StoredAnswer
from bot.logs import current_turn
from bot.metrics import ANSWERED, FIRST_TEXT
from bot.pricing import Amount
from storage.bases import Basis
from storage.records import Chat

log = logging.getLogger(__name__)


def log_answered(chat: Chat, answer: AnswerInFlight, stored: StoredAnswer, *, delivered: bool) -> None:
    """Log an answer once its delivery has ended; times count from the arrival of the message."""
    now, turn = time.monotonic(), current_turn()
    since = turn.since if turn is not None else answer.begun_at
    first = max(0.0, (answer.preview.shown_at or now) - since)
    total = max(0.0, now - since)
    stopped = answer.interruption is Interruption.STOPPED
    if delivered or answer.preview.shown_at is not None:
        FIRST_TEXT.observe(first)
    if delivered:
        ANSWERED.observe(total)
    usage, price = stored.usage, stored.price
    fresh, cached = max(0, usage.input - usage.cached), min(usage.cached, usage.input)
    fields = {
        "chat": chat.key.telegram_id,
        "model": stored.model,
        "fresh": fresh,
        "cached": cached,
        "output": usage.output,
        "first_s": round(first, 2),
        "total_s": round(total, 2),
        "delivered": delivered,
        "recalled": stored.recalled,
        "price": price.number if price is not None else None,
        "currency": price.currency if price is not None else None,
    }
    if chat.key.thread_id:
        fields["topic"] = chat.key.thread_id
    done = "Stopped answering" if stopped else "Answered" if delivered else "Did not fully deliver the answer to"
    log.info(
        "%s chat %d%s by %s: tokens %d fresh, %d cached, %d out%s; first text after %.1f s, all after %.1f s; "
        "%d older turns recalled; %s",
        *(done, chat.key.telegram_id),
        f" (topic {chat.key.thread_id})" if chat.key.thread_id else "",
        *(stored.model, fresh, cached, usage.output, " (estimated)" if usage.estimated else ""),
        *(first, total, stored.recalled, price.exact if price is not None else "no price set"),
        extra={"fields": fields},
    )


def log_delivered(chat: Chat, basis: Basis) -> None:
    """Log an answer that was stored earlier, as a rule by a process that was killed; its times are unknown."""
    usage = basis.usage
    fresh, cached = max(0, usage.input - usage.cached), min(usage.cached, usage.input)
    price = Amount(basis.price, basis.currency) if basis.price is not None and basis.currency is not None else None
    recalled = sum(found.shown for found in basis.found)
    fields = {
        "chat": chat.key.telegram_id,
        "model": basis.model,
        "fresh": fresh,
        "cached": cached,
        "output": usage.output,
        "recalled": recalled,
        "price": basis.price,
        "currency": basis.currency,
    }
    if chat.key.thread_id:
        fields["topic"] = chat.key.thread_id
    log.info(
        "Answered chat %d%s by %s, stored earlier: tokens %d fresh, %d cached, %d out%s; %d older turns recalled; %s",
        chat.key.telegram_id,
        f" (topic {chat.key.thread_id})" if chat.key.thread_id else "",
        *(basis.model, fresh, cached, usage.output, " (estimated)" if usage.estimated else ""),
        *(recalled, price.exact if price is not None else "no price set"),
        extra={"fields": fields},
    )
