"""What a refusal of Telegram means. The Bot API has no codes for it, only sentences.

What the Bot API server understands, learned from its refusals and remembered for the life of the process.
"""

import datetime as dt
import re
from dataclasses import dataclass, field
from enum import Enum, auto

import httpx
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError, TimedOut

from bot.errors import KeepsakeError, Undeliverable

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
"""A 504 of a proxy before the server, and the like."""
_TOO_LARGE = "request entity too large"
"""A 413: of more bytes than the server takes. It comes as an error of the network, which would pass."""


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


def meaning(exc: BadRequest) -> Refusal:
    """What Telegram means by its sentence."""
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
    """Whether trying again is of no use."""
    if isinstance(exc, BadRequest):
        return meaning(exc) is Refusal.FOR_GOOD
    return isinstance(exc, (Forbidden, ChatMigrated)) or _TOO_LARGE in exc.message.lower()


def may_have_arrived(exc: BaseException | None) -> bool:
    """Whether the request went out, in part or whole, and no answer came: nobody can know what became of it."""
    cause = exc.__cause__ if exc is not None else None
    if isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
        return False
    late = isinstance(exc, TelegramError) and _TIMED_OUT.search(exc.message) is not None
    return late or isinstance(exc, TimedOut) or isinstance(cause, httpx.TransportError)


def failed_there(exc: BaseException | None) -> bool:
    """Whether the server had the request and failed over it, with a 500, a 502 or nonsense: it may do so for ever."""
    if not isinstance(exc, TelegramError) or isinstance(exc, (BadRequest, RetryAfter)) or is_for_good(exc):
        return False
    return not isinstance(exc.__cause__, httpx.HTTPError) and not is_unauthorized(exc)


def undeliverable(exc: TelegramError) -> Undeliverable:
    """The error that the rest of the bot knows; of a migrated group it names the new id, as Telegram does."""
    return Undeliverable(f"{type(exc).__name__}: {exc}")


def refuses_form(exc: BaseException | None) -> bool:
    """Whether it is the rich message that is too large, or not allowed here, and a text may be."""
    sentence = exc.message.lower() if isinstance(exc, TelegramError) else ""
    return _TOO_LARGE in sentence or "rich message" in sentence.replace("_", " ")


def lost_topic(exc: TelegramError) -> bool:
    """Whether the topic is what is refused: it was closed or deleted, or the chat has topics no longer."""
    return isinstance(exc, BadRequest) and any(words in exc.message.lower() for words in _TOPIC_GONE)


def refuses_drafts(exc: TelegramError) -> bool:
    """Whether this chat takes no drafts, whatever they say."""
    return isinstance(exc, BadRequest) and _NO_DRAFTS.search(exc.message.lower()) is not None


def is_unauthorized(exc: TelegramError) -> bool:
    """A 401: the token is not taken just now. For python-telegram-bot a 404 is the same, and neither has a code."""
    causes = (exc, exc.__cause__)
    return any(isinstance(one, InvalidToken) and "unauthorized" in str(one).lower() for one in causes)


def seconds_to_wait(exc: RetryAfter) -> float:
    """What a 429 asks for; whether it is a number or a timedelta depends on PTB_TIMEDELTA."""
    wait = exc.retry_after
    return wait.total_seconds() if isinstance(wait, dt.timedelta) else float(wait)


class UnsupportedError(KeepsakeError):
    """The Bot API server is older than the method; `Features` knows it from now on."""


@dataclass(slots=True)
class Features:
    """Methods that are newer than some servers in use."""

    rich: bool = True
    """sendRichMessage, sendRichMessageDraft and `rich_message` in editMessageText (Bot API 10.1)."""
    drafts: bool = True
    """sendMessageDraft (Bot API 9.3)."""
    draftless: set[int] = field(default_factory=set)
    """Chats that Telegram takes no drafts for."""
    not_alone: dict[tuple[int, int], float] = field(default_factory=dict)
    """Groups, and members of them to whom nothing can be shown alone unasked, since the bot is no administrator, or
    they have left; and until when that is believed, on the clock of the process."""
