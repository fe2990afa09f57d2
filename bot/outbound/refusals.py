"""The meaning of Telegram's refusals, and the features of the Bot API server that they reveal.

The Bot API has no error codes for refusals, only sentences. What they reveal about the server is remembered for the
life of the process.
"""

import datetime as dt
import re
from dataclasses import dataclass, field
from enum import Enum, auto

import httpx
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError, TimedOut

from bot.errors import KeepsakeError, Undeliverable

_NOTHING_TO_EDIT = (
    "there is no caption in the message to edit",
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
    "not enough rights",
    "have no rights to send",
    "need administrator rights",
    "chat_write_forbidden",
    "chat_restricted",
    "channel_private",
    "peer_id_invalid",
)
_TOPIC_GONE = (
    "message thread not found",
    "message_thread_invalid",
    "topic_id_invalid",
    "topic_closed",
    "topic_deleted",
)
_NO_DRAFTS = re.compile(
    r"textdraft_|draft\w{0,40}_(?:peer|forbidden|disabled)|drafts? .{0,200}(?:not |n't |only |forbidden|disabled)"
)
_TIMED_OUT = re.compile(r"\((?:408|504)\)|gateway time-?out|request time-?out", re.IGNORECASE)
"""Such as a 504 from a proxy in front of the server."""
_TOO_LARGE = "request entity too large"
"""A 413: more bytes than the server accepts. It is raised as a network error, which would seem transient."""


class Refusal(Enum):
    """What to do about a 400."""

    NOT_MODIFIED = auto()
    """The message already has this content: done."""
    NOT_EDITABLE = auto()
    """The message can't become this: another form may work, or a new message has to be sent."""
    NOTHING_TO_EDIT = auto()
    """The message to edit is gone: send a new one."""
    FOR_GOOD = auto()
    """The chat, or the right to write in it, is gone."""
    CONTENT = auto()
    """Anything else: this content isn't accepted in this form."""


def classify(exc: BadRequest) -> Refusal:
    """The meaning of the error's sentence."""
    sentence = exc.message.lower()
    if "message is not modified" in sentence:
        return Refusal.NOT_MODIFIED
    if _NOT_EDITABLE in sentence:
        return Refusal.NOT_EDITABLE
    if any(words in sentence for words in _NOTHING_TO_EDIT):
        return Refusal.NOTHING_TO_EDIT
    if any(words in sentence for words in (*_FOR_GOOD, *_TOPIC_GONE)):
        return Refusal.FOR_GOOD
    return Refusal.CONTENT


def is_for_good(exc: TelegramError) -> bool:
    """Whether another attempt is pointless."""
    if isinstance(exc, BadRequest):
        return classify(exc) is Refusal.FOR_GOOD
    return isinstance(exc, (Forbidden, ChatMigrated)) or _TOO_LARGE in exc.message.lower()


def may_have_arrived(exc: BaseException | None) -> bool:
    """Whether the request was sent, at least in part, without an answer, so its outcome is unknown."""
    cause = exc.__cause__ if exc is not None else None
    if isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
        return False
    late = isinstance(exc, TelegramError) and _TIMED_OUT.search(exc.message) is not None
    return late or isinstance(exc, TimedOut) or isinstance(cause, httpx.TransportError)


def failed_there(exc: BaseException | None) -> bool:
    """Whether the server received the request and failed (500, 502 or nonsense), possibly every time."""
    if not isinstance(exc, TelegramError) or isinstance(exc, (BadRequest, RetryAfter)) or is_for_good(exc):
        return False
    return not isinstance(exc.__cause__, httpx.HTTPError) and not is_unauthorized(exc)


def undeliverable(exc: TelegramError) -> Undeliverable:
    """The error known to the rest of the bot; for a migrated group its text has the new id."""
    return Undeliverable(f"{type(exc).__name__}: {str(exc).removeprefix('Forbidden: ')}")


def refuses_form(exc: BaseException | None) -> bool:
    """Whether the rich message is too large or not allowed here, so that a text may work."""
    sentence = exc.message.lower() if isinstance(exc, TelegramError) else ""
    return _TOO_LARGE in sentence or "rich message" in sentence.replace("_", " ")


def lost_topic(exc: TelegramError) -> bool:
    """Whether the topic is the reason: closed, deleted, or the chat no longer has topics."""
    return isinstance(exc, BadRequest) and any(words in exc.message.lower() for words in _TOPIC_GONE)


def refuses_drafts(exc: TelegramError) -> bool:
    """Whether this chat doesn't accept drafts at all."""
    return isinstance(exc, BadRequest) and _NO_DRAFTS.search(exc.message.lower()) is not None


def is_unauthorized(exc: TelegramError) -> bool:
    """A 401: the token isn't accepted right now. python-telegram-bot raises the same for a 404, without a code."""
    causes = (exc, exc.__cause__)
    return any(isinstance(cause, InvalidToken) and "unauthorized" in str(cause).lower() for cause in causes)


def seconds_to_wait(exc: RetryAfter) -> float:
    """The wait of a 429; whether it is a number or a timedelta depends on PTB_TIMEDELTA."""
    wait = exc.retry_after
    return wait.total_seconds() if isinstance(wait, dt.timedelta) else float(wait)


class UnsupportedError(KeepsakeError):
    """The Bot API server is older than the method; `Features` remembers it."""


@dataclass(slots=True)
class Features:
    """Methods that some servers in use don't have yet."""

    rich: bool = True
    """sendRichMessage, sendRichMessageDraft and `rich_message` in editMessageText (Bot API 10.1)."""
    drafts: bool = True
    """sendMessageDraft (Bot API 9.3)."""
    draftless: set[int] = field(default_factory=set)
    """Chats for which Telegram accepts no drafts."""
    not_alone: dict[tuple[int, int], float] = field(default_factory=dict)
    """(group, member) pairs for which unprompted ephemeral messages are refused, because the bot is no administrator or
    the member has left; and until when that is assumed, in monotonic seconds."""
