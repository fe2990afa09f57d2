"""The fields of our own file: OpenAI's messages, with times and senders, and beside them what only we need.

It is one JSON object for one conversation, or a list of them. Whatever is missing, unknown or of another kind is an
error that names its place: a file is read as a whole, or not at all.
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
"""What the database can hold."""
Time = Annotated[AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(3000, 1, 1, tzinfo=UTC))]
Count = Annotated[int, Field(ge=0, lt=2**63)]
_STATES = {"user": (TurnState.WAITING, TurnState.SETTLED), "assistant": (TurnState.COMPLETE, TurnState.SENT)}
"""Those of messages that are kept."""


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
    """What holds for all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)


class ExportedText(ExportModel):
    """A text among the parts of a message."""

    type: Literal["text"]
    text: str


class ExportedImageUrl(ExportModel):
    """A picture's bytes."""

    url: Annotated[str, AfterValidator(_data_url)]

    @property
    def mime(self) -> str:
        """The kind of picture."""
        return self.url.removeprefix("data:").partition(";")[0]

    @property
    def data(self) -> bytes:
        """The picture."""
        return base64.b64decode(self.url.partition(",")[2])


class ExportedImage(ExportModel):
    """A picture among the parts of a message."""

    type: Literal["image_url"]
    image_url: ExportedImageUrl


class ExportedAudioData(ExportModel):
    """A sound's bytes."""

    data: Annotated[str, AfterValidator(_base64)]
    format: str


class ExportedAudio(ExportModel):
    """A sound among the parts of a message."""

    type: Literal["input_audio"]
    input_audio: ExportedAudioData


Part = Annotated[ExportedText | ExportedImage | ExportedAudio, Field(discriminator="type")]


def _form(content: object) -> str:
    return "text" if isinstance(content, str) else "parts"


Content = Annotated[
    Annotated[str, Tag("text")] | Annotated[tuple[Part, ...], Tag("parts")],
    Discriminator(_form),  # without it an error in one part would be told of the text, which it is not, too
]


class ExportedSender(ExportModel):
    """Who said it."""

    id: Id | None = None
    name: str | None = None
    bot: bool = False


class ExportedMedium(ExportModel):
    """What we know of a picture or a sound besides its bytes."""

    tokens: Count
    refused: bool = False


class ExportedDelivery(ExportModel):
    """A Telegram message, and up to which character it delivered a reply."""

    id: Id
    end: Count = 0


class ExportedUsage(ExportModel):
    """What the model's server reported of an answer."""

    input: Count
    cached: Count
    output: Count


class ExportedMessage(ExportModel):
    """One message. `stored` is when it came to us, where `time` is when it was sent; missing `tokens` are counted."""

    role: Literal["user", "assistant"]
    content: Content
    time: Time
    sender: ExportedSender | None = None
    stored: Time | None = None
    state: TurnState | None = None
    glue: str = "\n\n"
    tokens: Count | None = None
    asked: bool = True
    refused: bool = False
    telegram: tuple[ExportedDelivery, ...] = ()
    reply_to: Id | None = None
    usage: ExportedUsage | None = None
    marked: bool = False
    media: tuple[ExportedMedium, ...] = ()

    @property
    def text(self) -> str:
        """Its words."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, ExportedText))

    @property
    def files(self) -> tuple[ExportedImage | ExportedAudio, ...]:
        """Its pictures and sounds."""
        return (
            ()
            if isinstance(self.content, str)
            else tuple(one for one in self.content if not isinstance(one, ExportedText))
        )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        states = _STATES[self.role]
        if self.state is not None and self.state not in states:
            raise ValueError(f"a message of the {self.role} is {' or '.join(states)}")
        if self.media and len(self.media) != len(self.files):
            raise ValueError(f"{len(self.media)} entries in media for {len(self.files)} pictures and sounds")
        if len({one.id for one in self.telegram}) < len(self.telegram):
            raise ValueError("the same Telegram message is in it twice")
        return self


class ExportedChat(ExportModel):
    """Where it was said; `stamped` is the last time that was written into a message."""

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
    """The notes that stand in place of the first `covers` messages."""

    text: str
    covers: Count
    tokens: Count
    time: Time


class ExportedSpeaker(ExportModel):
    """A name that is taken in the chat."""

    id: Id
    name: str
    shown: str


class ExportedDayUsage(ExportModel):
    """What one model used on one day."""

    day: date
    model: str
    requests: Count
    turns: Count
    input: Count
    cached: Count
    output: Count
    written: Count = 0
    reasoning: Count = 0
    audio: Count = 0
    image: Count = 0
    estimated: Count = 0


class ExportHeader(ExportModel):
    """What stands before the messages."""

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
