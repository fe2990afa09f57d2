"""What a model says while it writes: begun again once if the stream breaks, bounded in time, shown as it grows."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

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
"""A stream that breaks, or says nothing, is begun once more from the start before the user hears of it."""
PATIENCE_S = 5.0
"""After this much silence the user sees that the bot is still trying."""

log = logging.getLogger(__name__)


class PreviewSink(Protocol):
    """Where the user watches the answer grow. Calls are cheap and never fail."""

    def update(self, text: str) -> None:
        """The whole answer so far, as markdown."""

    def thinking(self) -> None:
        """The model reasons before it answers."""

    def note(self, text: str) -> None:
        """A line about the waiting, while there is no answer yet."""


@dataclass(slots=True)
class AnswerRequest(Received):
    """One request to the model, paid for as far as it got."""

    counted: int | None = None
    """Our own count of its prompt's tokens; None: its prompt is that of the answer."""

    @property
    def was_taken(self) -> bool:
        """Whether anything came of it: else it was refused, as far as is known, and cost nothing."""
        return self.usage is not None or bool(self.text or self.reasoning or self.calls)


class Generation:
    """What the model says, over all requests that this takes.

    An answer takes one request, and one more after each round of tool calls. If the stream breaks, the answer is begun
    again from the first request. Every request is paid for:

    - `_requests` are those of the attempt under way. The first is the answer's own: its usage is the answer's.
    - `_abandoned` are those of earlier attempts that came to nothing.

    `extra_requests` lists all but the answer's own.
    """

    def __init__(self, show: PreviewSink, bound: float, heads: SpeakerPrefix) -> None:
        """`bound`: seconds that all tries of a request have until the first token, and the longest silence after it.

        `heads`: what is taken off the beginning, since the model only imitates it.
        """
        self.text = ""
        self.finish: Finish | None = None
        self.stored: set[str] = set()
        """The addresses of responses that the server keeps, of all attempts."""
        self._show = show
        self._bound = bound
        self._heads = heads
        self._requests = [AnswerRequest()]
        self._abandoned: list[AnswerRequest] = []

    @property
    def own_request(self) -> AnswerRequest:
        """The answer's own request; all others are in `extra_requests`."""
        return self._requests[0]

    @property
    def reasoning(self) -> str:
        """What the model thought before it answered; it is never sent back."""
        return "".join(one.reasoning for one in self._requests)

    @property
    def audio(self) -> bytes:
        """The spoken answer, where one was asked for: see AudioDelta."""
        return b"".join(one.audio for one in self._requests)

    @property
    def switched(self) -> SwitchedModel | None:
        """Who gave this answer, or a part of it, where that is not the model that was asked."""
        own, *extra = self._requests
        return next((one.switched for one in (own, *reversed(extra)) if one.switched is not None), None)

    @property
    def goes_on(self) -> bool:
        """Whether it is being asked for with the results of tools."""
        return len(self._requests) > 1

    @property
    def has_begun(self) -> bool:
        """Whether the request under way has said something; what was said before it looked something up is older."""
        return bool(self.text.strip() and self._requests[-1].text.strip())

    def extra_requests(self, counted: int, count_tokens: TokenCounter, *, kept: bool = True) -> list[ExtraRequest]:
        """All requests but the answer's own: those after tool calls, and those of attempts that came to nothing.

        `counted`: our own count of the answer's prompt, for an estimate where the server reported nothing. If the
        answer is not `kept`, its own request is one of them.
        """
        current = self._requests[1:] if kept else self._taken()
        return [
            ExtraRequest(
                counted if one.counted is None else one.counted,
                count_tokens(one.text + one.reasoning),
                one.usage,
                one.switched,
            )
            for one in (*self._abandoned, *current)
        ]

    def still_trying(self) -> None:
        """Tell the user that the answer takes several requests."""
        self._show.note(texts.STILL_TRYING)

    def end_by_filter(self) -> None:
        """Let the text so far be the answer, which a content filter has cut."""
        self.finish = Finish.FILTER

    async def write(self, model: ChatModel, messages: Sequence[Message], options: Options = DEFAULT) -> None:
        """Have the model answer. Raises a ModelError when there is no answer."""
        give_up_at = asyncio.get_running_loop().time() + self._bound
        for attempt in range(1, ATTEMPTS + 1):
            self._abandoned += self._taken()
            self._requests = [AnswerRequest()]
            self.text, self.finish = "", None
            try:
                async with aclosing(model.stream(messages, options)) as events:
                    await self._read(events, give_up_at)
                self._doubt_usage()
                self.text = self._heads.off(self._joined())
                self._check()
                return
            except (StreamCut, EmptyAnswer) as exc:
                if attempt == ATTEMPTS or isinstance(exc, ThoughtsTooLong):  # it would only cost the same again
                    raise
                log.warning("The model's answer broke off and is begun again: %s", exc)
                if any(one.text for one in self._requests):  # the server did answer in time
                    give_up_at = asyncio.get_running_loop().time() + self._bound

    def _taken(self) -> list[AnswerRequest]:
        return [one for one in self._requests if one.was_taken]

    async def _read(self, events: AsyncIterator[StreamEvent], give_up_at: float) -> None:
        loop = asyncio.get_running_loop()
        patience = loop.call_later(PATIENCE_S, self._show.note, texts.STILL_TRYING)
        try:
            async with asyncio.timeout_at(give_up_at) as limit:
                async for event in events:
                    patience.cancel()
                    if isinstance(event, Queued):  # how long that lasts is bounded at the gate
                        limit.reschedule(None if event.waiting else loop.time() + self._bound)
                        note = texts.IN_LINE if event.waiting else texts.STILL_TRYING
                        patience = loop.call_later(PATIENCE_S, self._show.note, note)
                        continue
                    if speaks(event) or limit.when() is None:  # what only keeps the line open is no progress
                        limit.reschedule(loop.time() + self._bound)
                    self._take(event)
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
                self.text = self._heads.off(self._joined(), more=True)
                self._show.update(self.text)
            case TextRetracted():
                self.text = self._heads.off(self._joined(), more=True)
            case ReasoningDelta() if not self.text:
                self._show.thinking()
            case Finished(reason):
                self.finish = reason
            case ResponseStored(address):
                self.stored.add(address)
            case _:
                pass

    def _joined(self) -> str:
        """What was said before and after tool calls, as one text."""
        return "\n\n".join(one.text for one in self._requests if one.text.strip())

    def _doubt_usage(self) -> None:
        """An output of nothing, where something was said, is no report: what was said is estimated instead."""
        for one in self._requests:
            if one.usage is not None and not one.usage.output and (one.text or one.reasoning):
                one.usage = None

    def _check(self) -> None:
        if self.text.strip():
            return
        if self.finish is Finish.FILTER:
            raise ContentRefused("content_filter before the first word")
        if self.finish is Finish.LENGTH:
            raise ThoughtsTooLong("finish_reason length, and no text")
        raise EmptyAnswer(f"finish_reason {self.finish}, and no text")
