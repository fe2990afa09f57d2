"""The schema of the bot's own format: OpenAI's messages with times and senders, plus what only the bot needs.

It is a JSON object for one conversation, or a list of them. A missing or unknown field, or one of the wrong type, is an
error that names its location: a file is read completely or not at all.
"""

import base64
import binascii
import re
from datetime import UTC, date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from storage.records import ChatSettings
from storage.transcript import TurnState

FORMAT: Literal["keepsake"] = "keepsake"
VERSION: Literal[1] = 1
_DATA_URL = re.compile(r"data:(image/[\w.+-]+);base64,")

Id = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""The range of integers in the database."""
Time = Annotated[AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(3000, 1, 1, tzinfo=UTC))]
Count = Annotated[int, Field(ge=0, lt=2**63)]
TokenCount = Annotated[int, Field(ge=0, le=10**12)]
"""Tokens or requests, which are added up in the database: sums of larger ones would exceed its integers."""
_STATES = {"user": (TurnState.WAITING, TurnState.SETTLED), "assistant": (TurnState.COMPLETE, TurnState.SENT)}
"""The states of turns that can be exported."""


def _base64(value: str) -> str:
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error as exc:
        raise ValueError(f"this is not base64: {exc}") from exc
    return value


def _data_url(value: str) -> str:
    head = _DATA_URL.match(value)
    if head is None:
        raise ValueError("a picture is a data URL with base64 in it")
    _base64(value[head.end() :])
    return value


class ExportModel(BaseModel):
    """The strict base of all models."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)


class ExportedText(ExportModel):
    """A text part of a message."""

    type: Literal["text"]
    text: str


class ExportedImageUrl(ExportModel):
    """A picture as a data URL."""

    url: Annotated[str, AfterValidator(_data_url)]

    @property
    def mime(self) -> str:
        """The picture's MIME type."""
        return self.url.removeprefix("data:").partition(";")[0]

    @property
    def data(self) -> bytes:
        """The picture's bytes."""
        return base64.b64decode(self.url.partition(",")[2])


class ExportedImage(ExportModel):
    """A picture part of a message."""

    type: Literal["image_url"]
    image_url: ExportedImageUrl


class ExportedAudioData(ExportModel):
    """Audio as base64."""

    data: Annotated[str, AfterValidator(_base64)]
    format: str


class ExportedAudio(ExportModel):
    """An audio part of a message."""

    type: Literal["input_audio"]
    input_audio: ExportedAudioData


Part = Annotated[ExportedText | ExportedImage | ExportedAudio, Field(discriminator="type")]


def _form(content: object) -> str:
    return "text" if isinstance(content, str) else "parts"


Content = Annotated[
    Annotated[str, Tag("text")] | Annotated[tuple[Part, ...], Tag("parts")],
    Discriminator(_form),  # otherwise an error in a part would also be reported as "not a string"
]


class ExportedSender(ExportModel):
    """The sender of a message."""

    id: Id | None = None
    name: str | None = None
    bot: bool = False


class ExportedMedium(ExportModel):
    """What is known about a picture or audio besides its bytes."""

    tokens: TokenCount
    refused: bool = False


class ExportedDelivery(ExportModel):
    """A Telegram message, and the character of the reply at which it ends."""

    id: Id
    end: Count = 0


class ExportedUsage(ExportModel):
    """The usage of an answer as the model server reported it."""

    input: TokenCount
    cached: TokenCount
    output: TokenCount


class ExportedMessage(ExportModel):
    """One message. `time` is when it was sent, `stored` when the bot received it; missing `tokens` are counted."""

    role: Literal["user", "assistant"]
    content: Content
    time: Time
    sender: ExportedSender | None = None
    stored: Time | None = None
    state: TurnState | None = None
    glue: str = "\n\n"
    tokens: TokenCount | None = None
    asked: bool = True
    refused: bool = False
    telegram: tuple[ExportedDelivery, ...] = ()
    reply_to: Id | None = None
    usage: ExportedUsage | None = None
    marked: bool = False
    media: tuple[ExportedMedium, ...] = ()

    @property
    def text(self) -> str:
        """The text of the message."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, ExportedText))

    @property
    def files(self) -> tuple[ExportedImage | ExportedAudio, ...]:
        """The pictures and audio of the message."""
        return (
            ()
            if isinstance(self.content, str)
            else tuple(part for part in self.content if not isinstance(part, ExportedText))
        )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        states = _STATES[self.role]
        if self.state is not None and self.state not in states:
            raise ValueError(f"a message of the {self.role} is {' or '.join(states)}")
        if self.media and len(self.media) != len(self.files):
            raise ValueError(f"{len(self.media)} entries in media for {len(self.files)} pictures and sounds")
        if len({delivery.id for delivery in self.telegram}) < len(self.telegram):
            raise ValueError("the same Telegram message is in it twice")
        return self


class ExportedChat(ExportModel):
    """The chat; `stamped` is the last time that was written into a message."""

    id: Id
    thread: Count = 0
    direct: bool = False
    private: bool
    created: Time
    stamped: Time | None = None
    language: str | None = None
    gone: bool = False
    greeted: bool = False
    choices: ChatSettings = ChatSettings()


class ExportedMemory(ExportModel):
    """The notes that replace the first `covers` messages in the prompt."""

    text: str
    covers: Count
    tokens: TokenCount
    time: Time


class ExportedSpeaker(ExportModel):
    """A speaker's name in the chat."""

    id: Id
    name: str
    shown: str


class ExportedDayUsage(ExportModel):
    """The usage of one model on one day."""

    day: date
    model: str
    requests: TokenCount
    turns: TokenCount
    input: TokenCount
    cached: TokenCount
    output: TokenCount
    written: TokenCount = 0
    reasoning: TokenCount = 0
    audio: TokenCount = 0
    image: TokenCount = 0
    estimated: TokenCount = 0


class ExportHeader(ExportModel):
    """Everything before the messages."""

    format: Literal["keepsake"]
    version: Literal[1]
    chat: ExportedChat
    memory: ExportedMemory | None = None
    people: tuple[ExportedSpeaker, ...] = ()
    usage: tuple[ExportedDayUsage, ...] = ()
    media_left_out: bool = False


class ExportedConversation(ExportHeader):
    """The whole file, or one entry of its list."""

    messages: tuple[ExportedMessage, ...]

    @model_validator(mode="after")
    def _memory_covers_messages(self) -> Self:
        if self.memory is not None and self.memory.covers > len(self.messages):
            raise ValueError(f"the memory covers {self.memory.covers} of {len(self.messages)} messages")
        return self
