"""The data of every button, each a frozen class that is packed into the string Telegram sends back on a press.

A button may be pressed months later, so the formats never change. Telegram allows 64 bytes.
"""

import hashlib
import re
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, Self

from bot.access.access_requests import ANSWER
from bot.conversation.incoming_message import AGAIN, CONTINUE, RETRY, STOP, UNDO_RESET
from bot.updates.in_flight import WorkKind

MOST_BYTES = 64
HASH_LENGTH = 20
_NUMBER = re.compile(r"\d{1,18}")
"""Any client can send any number, but SQLite's integers have 64 bits."""


class AccessAnswer(StrEnum):
    """An owner's decision about an applicant."""

    ALLOW = "allow"
    DENY = "deny"
    BLOCK = "block"


class ExportFormat(StrEnum):
    """The formats of ``/export``."""

    JSON = "json"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class CallbackData:
    """Packed as the prefix and then the fields, separated by colons."""

    prefix: ClassVar[str]

    def pack(self) -> str:
        """The data as a string."""
        values = (getattr(self, field.name) for field in fields(self))
        return self.prefix + ":".join("" if value is None else str(value) for value in values)

    @classmethod
    def unpack(cls, data: str) -> Self | None:
        """Parse the data; None if it is another button's, or malformed."""
        if not data.startswith(cls.prefix):
            return None
        kinds = [field.type for field in fields(cls)]
        texts = data.removeprefix(cls.prefix).split(":") if kinds else []
        if len(texts) != len(kinds) or (not kinds and data != cls.prefix):
            return None
        try:
            return cls(*map(_read, kinds, texts))
        except ValueError:
            return None


def _read(kind: Any, text: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(text)
    if not text and kind is not int:
        return None
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return int(text)


@dataclass(frozen=True, slots=True)
class AccessAnswerButton(CallbackData):
    """Under an access request; `number` is the ID of the row in the access list."""

    prefix = ANSWER
    answer: AccessAnswer
    number: int


@dataclass(frozen=True, slots=True)
class SendBroadcastButton(CallbackData):
    """Confirms a broadcast."""

    prefix = "broadcast:"
    number: int


@dataclass(frozen=True, slots=True)
class DropBroadcastButton(CallbackData):
    """Drops a broadcast."""

    prefix = "no-broadcast:"
    number: int


@dataclass(frozen=True, slots=True)
class UndoResetButton(CallbackData):
    """Under the answer to ``/reset``."""

    prefix = UNDO_RESET
    reset_id: int


@dataclass(frozen=True, slots=True)
class RetryButton(CallbackData):
    """Under a failed answer; `turn_id` is the newest message of the question."""

    prefix = RETRY
    turn_id: int


@dataclass(frozen=True, slots=True)
class ContinueButton(CallbackData):
    """Under an answer that was cut off."""

    prefix = CONTINUE
    reply_id: int


@dataclass(frozen=True, slots=True)
class StopButton(CallbackData):
    """Under an answer that is being written, in a group."""

    prefix = STOP
    reply_id: int


@dataclass(frozen=True, slots=True)
class ResumeButton(CallbackData):
    """Under the notice that something was set aside."""

    prefix = AGAIN
    kind: WorkKind
    id: int


@dataclass(frozen=True, slots=True)
class CompactButton(CallbackData):
    """Under a memory: compact now."""

    prefix = "memory:compact"


@dataclass(frozen=True, slots=True)
class CorrectButton(CallbackData):
    """Under a memory: ask what to correct."""

    prefix = "memory:correct"


@dataclass(frozen=True, slots=True)
class AskForgetButton(CallbackData):
    """Under a memory: ask what to forget."""

    prefix = "memory:forget"


@dataclass(frozen=True, slots=True)
class EarlierMemoryButton(CallbackData):
    """Shows the memory before this version; None: before the one in use."""

    prefix = "memory:before:"
    version_id: int | None = None


@dataclass(frozen=True, slots=True)
class RestoreMemoryButton(CallbackData):
    """Restores an earlier version of the memory."""

    prefix = "memory:back:"
    version_id: int


@dataclass(frozen=True, slots=True)
class MemoryThenButton(CallbackData):
    """Under ``/why``: the memory that was in the prompt of that answer."""

    prefix = "why:notes:"
    version_id: int


@dataclass(frozen=True, slots=True)
class CancelQuestionButton(CallbackData):
    """Cancels a question of the bot."""

    prefix = "cancel:"
    question_id: int


@dataclass(frozen=True, slots=True)
class ConfirmForgetButton(CallbackData):
    """Deletes what ``/forget`` found."""

    prefix = "forget:"
    proposal_id: int


@dataclass(frozen=True, slots=True)
class KeepButton(CallbackData):
    """Keeps what ``/forget`` found."""

    prefix = "keep:"
    proposal_id: int


@dataclass(frozen=True, slots=True)
class ForgetPageButton(CallbackData):
    """Shows another page of what ``/forget`` found."""

    prefix = "forgetpage:"
    proposal_id: int
    page: int


@dataclass(frozen=True, slots=True)
class ExportButton(CallbackData):
    """Chooses the format of an export."""

    prefix = "export:"
    format: ExportFormat


@dataclass(frozen=True, slots=True)
class SettingButton(CallbackData):
    """Chooses a value of a setting; without a value, opens the setting, and without a name, the menu.

    A value that doesn't fit, such as a long model name, is packed as its hash.
    """

    prefix = "set:"
    name: str = ""
    value: str = ""

    def pack(self) -> str:
        """See ``CallbackData.pack``."""
        data = f"{self.prefix}{self.name}:{self.value}" if self.value else f"{self.prefix}{self.name}"
        return data if len(data.encode()) <= MOST_BYTES else f"{self.prefix}{self.name}:{_hash(self.value)}"

    @classmethod
    def unpack(cls, data: str) -> Self | None:
        """See ``CallbackData.unpack``."""
        if not data.startswith(cls.prefix):
            return None
        name, _, value = data.removeprefix(cls.prefix).partition(":")
        return cls(name, value)

    def means(self, value: str) -> bool:
        """Whether this button chooses the value."""
        return self.value in (value, _hash(value))


def _hash(value: str) -> str:
    return f"#{hashlib.sha256(value.encode()).hexdigest()[:HASH_LENGTH]}"


BUTTONS: tuple[type[CallbackData], ...] = (
    AccessAnswerButton,
    SendBroadcastButton,
    DropBroadcastButton,
    UndoResetButton,
    RetryButton,
    ContinueButton,
    StopButton,
    ResumeButton,
    CompactButton,
    CorrectButton,
    AskForgetButton,
    EarlierMemoryButton,
    RestoreMemoryButton,
    MemoryThenButton,
    CancelQuestionButton,
    ConfirmForgetButton,
    KeepButton,
    ForgetPageButton,
    ExportButton,
    SettingButton,
)


def unpack(data: str) -> CallbackData | None:
    """The button with this data; None if it isn't one of this version."""
    found = (button.unpack(data) for button in BUTTONS)
    return next((button for button in found if button is not None), None)
