"""What a refusal of Telegram means. The Bot API has no codes for it, only sentences."""

import datetime as dt
from enum import Enum, auto

from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError

from bot.errors import Undeliverable


class Refusal(Enum):
    """What to do about a 400."""

    NOT_MODIFIED = auto()
    """The message already says that: done."""
    NOT_EDITABLE = auto()
    """This message can't become that: another form may do, else a new one has to be sent."""
    NOTHING_TO_EDIT = auto()
    """The message to edit is gone: send a new one."""
    FOR_GOOD = auto()
    """The chat, or the right to write there, is gone."""
    CONTENT = auto()
    """Anything else: this content is not taken in this form."""


_NOTHING_TO_EDIT = (
    "message to edit not found",
    "message_id_invalid",
    "message_author_required",
    "message_edit_time_expired",
)
_NOT_EDITABLE = "message can't be edited"
_FOR_GOOD = (
    "chat not found",
    "user not found",
    "user is deactivated",
    "group chat was upgraded",
    "group chat was deactivated",
    "message thread not found",
    "topic_closed",
    "topic_deleted",
    "not enough rights",
    "have no rights to send",
    "need administrator rights",
    "chat_write_forbidden",
    "chat_restricted",
    "channel_private",
    "peer_id_invalid",
)


_TOO_LARGE = "request entity too large"
"""A 413: of more bytes than the server takes. It comes as an error of the network, which would pass."""


def meaning(exc: BadRequest) -> Refusal:
    """What Telegram means by its sentence."""
    sentence = exc.message.lower()
    if "message is not modified" in sentence:
        return Refusal.NOT_MODIFIED
    if _NOT_EDITABLE in sentence:
        return Refusal.NOT_EDITABLE
    if any(words in sentence for words in _NOTHING_TO_EDIT):
        return Refusal.NOTHING_TO_EDIT
    if any(words in sentence for words in _FOR_GOOD):
        return Refusal.FOR_GOOD
    return Refusal.CONTENT


def is_for_good(exc: TelegramError) -> bool:
    """Whether trying again is of no use."""
    if isinstance(exc, BadRequest):
        return meaning(exc) is Refusal.FOR_GOOD
    return isinstance(exc, (Forbidden, ChatMigrated)) or _TOO_LARGE in exc.message.lower()


def undeliverable(exc: TelegramError) -> Undeliverable:
    """The error that the rest of the bot knows; of a migrated group it names the new id, as Telegram does."""
    return Undeliverable(f"{type(exc).__name__}: {exc}")


def seconds_to_wait(exc: RetryAfter) -> float:
    """What a 429 asks for; whether it is a number or a timedelta depends on PTB_TIMEDELTA."""
    wait = exc.retry_after
    return wait.total_seconds() if isinstance(wait, dt.timedelta) else float(wait)
