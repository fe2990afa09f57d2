"""A model behind the protocol that says what a test tells it to, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

from bot.conversation.answer import AnswerInFlight
from bot.conversation.generation import Generation
from bot.conversation.speaker_prefix import SpeakerPrefix
from bot.llm.interface import DEFAULT, CacheProfile, Capabilities, Message, Options
from bot.llm.stream_events import Finish, StreamEvent, TextDelta, Usage, piece
from storage.records import Chat
from storage.transcript import PendingReply

PENDING = PendingReply(reply_id=None, stale=False, replaces=None, begun=None, reply_to=None)
Script = Sequence[StreamEvent | Exception | asyncio.Event]
"""Events to send, exceptions to raise, events to wait for."""


def says(*words: str, usage: Usage | None = None, finish: Finish = Finish.STOP) -> Script:
    """A script of an answer that ends well."""
    return [*(TextDelta(word) for word in words), *piece(finish=finish, usage=usage)]


class Gate(asyncio.Event):
    """An event for a script; `reached` waits until the script has come to it."""

    def __init__(self) -> None:
        super().__init__()
        self._reached = asyncio.Event()

    async def reached(self) -> None:
        async with asyncio.timeout(5):
            await self._reached.wait()

    async def wait(self) -> Literal[True]:
        self._reached.set()
        return await super().wait()


CACHE = CacheProfile(explicit=False, minimum=1024, lifetime_s=300)


@dataclass
class ScriptedModel:
    """Plays one script per request, in order; the last one serves all later requests."""

    scripts: list[Script]
    name: str = "scripted"
    capabilities: Capabilities = field(default_factory=Capabilities)
    window: int = 32_768
    limit: int | None = None
    single_turn: bool = False
    calls: bool = False
    options: list[Options] = field(default_factory=list)
    requests: list[tuple[Message, ...]] = field(default_factory=list)

    def learn_limit(self, tokens: int) -> None:
        self.limit = min(tokens, self.limit or tokens)

    async def stream(
        self, messages: Sequence[Message], options: Options = DEFAULT
    ) -> AsyncGenerator[StreamEvent, None]:
        self.requests.append(tuple(messages))
        self.options.append(options)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        for step in script:
            if isinstance(step, asyncio.Event):
                await step.wait()
            elif isinstance(step, Exception):
                raise step
            else:
                yield step


@dataclass
class OneModel:
    """A server with one model, whatever it is called."""

    model: ScriptedModel
    cached: CacheProfile = CACHE
    vision_model: str | None = None

    def of(self, name: str) -> ScriptedModel:
        return self.model

    def cache(self, _: str) -> CacheProfile:
        return self.cached

    async def ready(self) -> None:
        """See Models.ready."""

    async def learn(self) -> None:
        return

    async def close(self) -> None:
        return


@dataclass
class Seen:
    """What a user would have seen of an answer while it was written."""

    texts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    thought: bool = False

    def update(self, text: str) -> None:
        self.texts.append(text)

    def thinking(self) -> None:
        self.thought = True

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass
class SeenPreview(Seen):
    """Such a view as the preview of an answer."""

    shown: bool = False
    shown_at: float | None = None
    message_id: int | None = None
    is_open: bool = False
    seen: asyncio.Event = field(default_factory=asyncio.Event)

    def update(self, text: str) -> None:
        super().update(text)
        self.shown = True
        self.seen.set()

    async def __aenter__(self) -> Self:
        self.is_open = True
        return self

    async def __aexit__(self, *of: object) -> None:
        self.is_open = False


def in_flight(
    chat: Chat, preview: SeenPreview | None = None, *, pending: PendingReply = PENDING, reply_id: int = 9
) -> AnswerInFlight:
    """An answer that is ready to be written."""
    preview = preview or SeenPreview()
    generation = Generation(preview, 5.0, SpeakerPrefix())
    return AnswerInFlight(chat, pending, reply_id, preview=preview, generation=generation)
