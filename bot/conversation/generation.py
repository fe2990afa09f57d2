"""Reading a model's answer: retried once if the stream breaks, limited in time, shown while it grows."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from bot.concurrency import still_alive
from bot.conversation.speaker_prefix import SpeakerPrefix
from bot.conversation.tokens import TokenCounter
from bot.errors import ContentRefused, EmptyAnswer, NoAnswerInTime, StreamCut, ThoughtsTooLong
from bot.language import texts
from bot.llm.interface import DEFAULT, ChatModel, Message, Options
from bot.llm.stream_events import (
    ExtraRequest,
    ExtraRequestStarted,
    Finish,
    Finished,
    Queued,
    ReasoningDelta,
    Received,
    ResponseStored,
    StreamEvent,
    SwitchedModel,
    TextDelta,
    TextRetracted,
    speaks,
)

ATTEMPTS = 2
"""A stream that breaks or stays empty is requested once more before the user sees an error."""
PATIENCE_S = 5.0
"""After this many seconds of silence the user sees that the bot is still trying."""

log = logging.getLogger(__name__)


class PreviewSink(Protocol):
    """Shows the user the answer as it grows. Calls are cheap and never fail."""

    def update(self, text: str) -> None:
        """Show the whole answer so far, as Markdown."""

    def thinking(self) -> None:
        """Show that the model is reasoning before it answers."""

    def note(self, text: str) -> None:
        """Show a line about the wait, while there is no answer yet."""


@dataclass(slots=True)
class AnswerRequest(Received):
    """One request to the model; it costs something even if it breaks off."""

    counted: int | None = None
    """Our own count of its prompt's tokens; None if it has the same prompt as the answer."""
    was_cancelled: bool = False
    """Whether it was ended from outside while the server was working on it."""

    @property
    def was_taken(self) -> bool:
        """Whether it had any result, or could have had one; otherwise it was presumably refused, and cost nothing."""
        return self.was_cancelled or self.usage is not None or bool(self.text or self.reasoning or self.calls)


Begun = Callable[[int | None], None]
"""Called before each request with our own count of its prompt's tokens; None if it is the answer's own prompt."""


def unrecorded(counted: int | None) -> None:
    """For requests that aren't recorded in advance."""


class Generation:
    """What the model says, over all requests needed for one answer.

    An answer takes one request, and one more after each round of tool calls. If the stream breaks, the answer starts
    over with its first request. Every request is paid for:

    - `_requests` are those of the current attempt. The first is the answer's own: its usage is the answer's.
    - `_abandoned` are those of earlier, failed attempts.

    `extra_requests` lists all but the answer's own.
    """

    def __init__(self, show: PreviewSink, bound: float, prefix: SpeakerPrefix) -> None:
        """`bound`: seconds that all attempts together have until the first token, and the longest silence after it.

        `prefix`: removes a speaker's name from the beginning, where the model imitates the transcript's format.
        """
        self.text = ""
        self.finish: Finish | None = None
        self.stored: set[str] = set()
        """The addresses of all attempts' responses that the server has stored."""
        self._show = show
        self._bound = bound
        self._prefix = prefix
        self._requests = [AnswerRequest()]
        self._abandoned: list[AnswerRequest] = []

    @property
    def own_request(self) -> AnswerRequest:
        """The answer's own request; all others are in `extra_requests`."""
        return self._requests[0]

    @property
    def reasoning(self) -> str:
        """What the model thought before it answered; it is never sent back."""
        return "".join(request.reasoning for request in self._requests)

    @property
    def audio(self) -> bytes:
        """The spoken answer, if one was requested; for its format see AudioDelta."""
        return b"".join(request.audio for request in self._requests)

    @property
    def switched(self) -> SwitchedModel | None:
        """The model that gave this answer or a part of it, if it isn't the one that was asked."""
        own, *extra = self._requests
        return next((request.switched for request in (own, *reversed(extra)) if request.switched is not None), None)

    @property
    def goes_on(self) -> bool:
        """Whether there was a further request with the results of tools."""
        return len(self._requests) > 1

    @property
    def has_begun(self) -> bool:
        """Whether the current request has produced text; text from before a tool call doesn't count."""
        return bool(self.text.strip() and self._requests[-1].text.strip())

    def extra_requests(self, counted: int, count_tokens: TokenCounter, *, kept: bool = True) -> list[ExtraRequest]:
        """All requests but the answer's own: those after tool calls, and those of failed attempts.

        `counted`: our own count of the answer's prompt, for an estimate where the server reported nothing. Unless the
        answer is `kept`, its own request is included.
        """
        current = self._requests[1:] if kept else self._taken()
        return [
            ExtraRequest(
                counted if request.counted is None else request.counted,
                count_tokens(request.text + request.reasoning),
                request.usage,
                request.switched,
            )
            for request in (*self._abandoned, *current)
        ]

    def still_trying(self) -> None:
        """Show the user that the answer takes several requests."""
        self._show.note(texts.STILL_TRYING)

    def end_by_filter(self) -> None:
        """Accept the text so far as an answer that a content filter has cut off."""
        self.finish = Finish.FILTER

    async def write(
        self,
        model: ChatModel,
        messages: Sequence[Message],
        options: Options = DEFAULT,
        begun: Begun = unrecorded,
    ) -> None:
        """Get the model's answer. Raises a ModelError if there is none."""
        give_up_at = asyncio.get_running_loop().time() + self._bound
        for attempt in range(1, ATTEMPTS + 1):
            self._abandoned += self._taken()
            self._requests = [AnswerRequest()]
            self.text, self.finish = "", None
            begun(None)
            try:
                async with aclosing(model.stream(messages, options)) as events:
                    await self._read(events, give_up_at, begun)
                self._doubt_usage()
                self.text = self._prefix.strip_from(self._joined())
                self._check()
                return
            except (StreamCut, EmptyAnswer) as exc:
                if attempt == ATTEMPTS or isinstance(exc, ThoughtsTooLong):  # it would only cost the same again
                    raise
                log.warning("The model's answer broke off and is requested again: %s", exc)
                if any(request.text for request in self._requests):  # the server did answer in time
                    give_up_at = asyncio.get_running_loop().time() + self._bound

    def _taken(self) -> list[AnswerRequest]:
        return [request for request in self._requests if request.was_taken]

    async def _read(self, events: AsyncIterator[StreamEvent], give_up_at: float, begun: Begun) -> None:
        loop, waiting = asyncio.get_running_loop(), False
        patience = loop.call_later(PATIENCE_S, self._show.note, texts.STILL_TRYING)
        try:
            async with asyncio.timeout_at(give_up_at) as limit:
                async for event in events:
                    still_alive()
                    patience.cancel()
                    if isinstance(event, Queued):  # the queue itself limits how long that lasts
                        waiting = event.waiting
                        limit.reschedule(None if event.waiting else loop.time() + self._bound)
                        note = texts.IN_LINE if event.waiting else texts.STILL_TRYING
                        patience = loop.call_later(PATIENCE_S, self._show.note, note)
                        continue
                    if speaks(event) or limit.when() is None:  # a mere keep-alive is no progress
                        limit.reschedule(loop.time() + self._bound)
                    self._take(event)
                    if isinstance(event, ExtraRequestStarted):
                        begun(event.counted)
        except asyncio.CancelledError:
            self._requests[-1].was_cancelled = not waiting
            raise
        except TimeoutError as exc:
            raise NoAnswerInTime(f"silence for {self._bound:.0f} s") from exc
        finally:
            patience.cancel()

    def _take(self, event: StreamEvent) -> None:
        if isinstance(event, ExtraRequestStarted):
            self._requests.append(AnswerRequest(counted=event.counted))
            return
        request = self._requests[-1]
        request.add(event)
        match event:
            case TextDelta():
                self.text = self._prefix.strip_from(self._joined(), more=True)
                self._show.update(self.text)
            case TextRetracted():
                self.text = self._prefix.strip_from(self._joined(), more=True)
            case ReasoningDelta() if not self.text:
                self._show.thinking()
            case Finished(reason):
                self.finish = reason
            case ResponseStored(address):
                self.stored.add(address)
            case _:
                pass

    def _joined(self) -> str:
        """The text from before and after tool calls, joined."""
        return "\n\n".join(request.text for request in self._requests if request.text.strip())

    def _doubt_usage(self) -> None:
        """Discard reports of zero output tokens for requests that produced text, so that usage is estimated instead."""
        for request in self._requests:
            if request.usage is not None and not request.usage.output and (request.text or request.reasoning):
                request.usage = None

    def _check(self) -> None:
        if self.text.strip():
            return
        if self.finish is Finish.FILTER:
            raise ContentRefused("content_filter before the first word")
        if self.finish is Finish.LENGTH:
            raise ThoughtsTooLong("finish_reason length, and no text")
        raise EmptyAnswer(f"finish_reason {self.finish}, and no text")
