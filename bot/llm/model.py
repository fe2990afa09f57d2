"""The part of a model client that all APIs share: queueing, retries, circuit breakers, and learning from refusals."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import replace

from pydantic import JsonValue

from bot.errors import (
    CannotHear,
    CannotSee,
    ContentRefused,
    ContextTooLong,
    ImageRefused,
    ModelError,
    StreamCut,
    TooManyImages,
)
from bot.llm.answer_stream import BRIEF, MOST_THOUGHTS, MOST_TOKENS, AnswerStream, Bounds, end_after_finish
from bot.llm.breaker import CircuitBreaker, conversation_hash
from bot.llm.error_bodies import redact_prompt
from bot.llm.failures import as_kind, correct_by_media
from bot.llm.fields import EFFORT, LENGTHS, MOST_TRIES, THOUGHTLESS, blamed_fields, fit_fields, is_about_output
from bot.llm.interface import DEFAULT, Capabilities, Image, Message, Options, Sound
from bot.llm.learned import Doubts, Learned
from bot.llm.profiles import ModelProfile
from bot.llm.repeated_words import redact_words
from bot.llm.request_queue import rank, waiting_chat
from bot.llm.server import Server
from bot.llm.stream_events import Finish, Finished, KeepAlive, Queued, ReasoningDelta, StreamEvent, ToolCalls, speaks
from bot.llm.template_tokens import neutralize_messages
from bot.llm.tool_calls import OURS, unpack_opaque

LEAST_LIMIT = 1024
"""A smaller reported window is taken for an error message misread: such a model couldn't hold a conversation."""
log = logging.getLogger(__name__)


class Model(ABC):
    """One model of a server; subclasses implement an API."""

    foreign: tuple[type[Exception], ...] = ()
    """Exceptions of the API's HTTP client that are translated to ModelErrors."""

    def __init__(self, server: Server, name: str) -> None:
        self.name = name
        profile = server.profile_of(name)
        self._doubts = Doubts()
        self._known = self.capabilities = server.profile.capabilities(profile)
        self.window = profile.context_window
        self._most = profile.most_output
        self.extra_body = server.extra_body | profile.body
        self._has_thought = False
        self.limit: int | None = None
        self._limit_of: int | None = None
        """The window assumed when a remembered limit was learned."""
        self._guessed_images = False
        self.single_turn = profile.single_turn
        self.calls = profile.tools
        self.breaker = CircuitBreaker(f"{name} at {server.breaker.name}", server.answers)
        self._server = server
        self._server_breaker, self._gate = server.breaker, server.gate
        self._refused: frozenset[str] = frozenset()
        """Optional fields that the server refuses for this model."""
        self._failures: tuple[type[Exception], ...] = (ModelError, *self.foreign)

    def know(self, profile: ModelProfile) -> None:
        """Apply what the server reports about the model after it was created; what refusals taught takes precedence."""
        server = self._server.profile
        reported, before, now = server.capabilities(profile), self._known, self._capabilities
        refused = {name for name in ("sees", "hears", "speaks") if getattr(before, name) and not getattr(now, name)}
        most = reported.most_images if now.most_images == before.most_images else now.most_images
        self._known = reported
        self.capabilities = replace(reported, most_images=most, **dict.fromkeys(refused, False))
        if self._limit_of not in (None, profile.context_window):
            self.limit = self._limit_of = None
        self.window, self._most, self.single_turn = profile.context_window, profile.most_output, profile.single_turn
        self.calls = profile.tools and "tools" not in self._refused

    @property
    def capabilities(self) -> Capabilities:
        return self._doubts.left_of(self._capabilities, time.monotonic())

    @capabilities.setter
    def capabilities(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities

    async def stream(
        self, messages: Sequence[Message], options: Options = DEFAULT
    ) -> AsyncGenerator[StreamEvent, None]:
        self._check()
        messages = neutralize_messages(messages)
        began, finished = False, False
        answer = AnswerStream(self._bounds(options))
        try:
            async with aclosing(self._in_turn(messages, options)) as raw, aclosing(end_after_finish(raw)) as pieces:
                async for piece in pieces:
                    if piece and isinstance(piece[0], Queued):
                        yield piece[0]
                        continue
                    if not began:
                        self._server_breaker.answered()
                        self.breaker.answered()
                    began = True
                    read = self._read(piece, answer, finished=finished)
                    finished = finished or _has(Finished, read)
                    for event in read or [KeepAlive()]:
                        yield event
                    if answer.exceeds:
                        level = logging.DEBUG if options.brief else logging.WARNING
                        log.log(level, "%s exceeded the length of an answer; the rest isn't read", self.name)
                        break
        except self._failures as exc:
            error = exc if isinstance(exc, ModelError) else self._translate(exc, streaming=began)
            if not finished or isinstance(error, ContentRefused):  # a filter that may retract the text
                raise self._learn_from(messages, error) from (exc.__cause__ if error is exc else exc)
            log.info("%s: an error after a complete answer: %s", self.name, error)
        if finished:
            self._server.seen_to_answer()
        else:
            raise self._learn_from(messages, StreamCut("the stream ended without a finish_reason"))

    def _read(self, piece: Sequence[StreamEvent], answer: AnswerStream, *, finished: bool) -> list[StreamEvent]:
        """Clean a piece. Raises StreamCut for an unknown finish reason in the middle of a sentence."""
        self._has_thought = self._has_thought or _has(ReasoningDelta, piece)
        read = answer.read(piece)
        unsure = Finished(Finish.UNKNOWN) in piece and not finished and not _has(ToolCalls, piece)
        if unsure and answer.is_cut:
            raise StreamCut("an unknown finish reason in the middle of a sentence")
        return read

    def learn_limit(self, tokens: int) -> None:
        tokens = max(tokens, LEAST_LIMIT)
        if self.limit is None or tokens < self.limit:
            self.limit, self._limit_of = tokens, None
            self._server.keep(self)
            log.warning("%s reads at most %d tokens; longer windows will be shortened", self.breaker.name, tokens)

    @property
    def learned(self) -> Learned:
        """What was learned, for storage."""
        return Learned(self._refused, self.limit, self.window)

    def recall(self, learned: Learned) -> None:
        """Apply stored facts. A limit is dropped once the model's reported window changes."""
        self._refused = learned.refused
        self._do_without(learned.refused)
        if learned.limit is not None:
            self.limit, self._limit_of = max(learned.limit, LEAST_LIMIT), learned.window
        if learned != Learned():
            log.info("%s, learned earlier: %s", self.breaker.name, learned.as_json())

    async def _in_turn(
        self, messages: Sequence[Message], options: Options
    ) -> AsyncGenerator[Sequence[StreamEvent], None]:
        """Wait for a turn and stream the answer; until the first word, failures that may pass are retried."""
        with self._gate.turn(rank(messages), waiting_chat()) as turn:
            while True:
                if not turn.is_on:
                    yield [Queued(waiting=True)]
                    await turn.wait()
                    yield [Queued(waiting=False)]
                    self._check()
                began, asked_at = False, asyncio.get_running_loop().time()
                try:
                    async with aclosing(self._stream_without_refused(messages, options)) as pieces:
                        async for piece in pieces:
                            if not began:
                                turn.answered()
                            began = True
                            yield piece
                    return
                except asyncio.CancelledError:
                    if not began:
                        self._server_breaker.given_up(asyncio.get_running_loop().time() - asked_at)
                    raise
                except self._failures as exc:
                    error = exc if isinstance(exc, ModelError) else self._translate(exc, streaming=began)
                    if began or not await turn.again(error, self._server.retries):
                        raise

    def _check(self) -> None:
        """Raise ServerTrouble if the circuit of the server or of this model is open."""
        self._server_breaker.check()
        self.breaker.check()

    async def _stream_without_refused(
        self, messages: Sequence[Message], options: Options
    ) -> AsyncGenerator[Sequence[StreamEvent], None]:
        """The answer; an optional field that the server refuses is left out of this and later requests."""
        without, once = self._refused, frozenset[str]()
        for tries_left in reversed(range(MOST_TRIES + 1)):
            began, asked = False, replace(options, without=without)
            try:
                async with aclosing(self._pieces(messages, asked)) as pieces:
                    async for piece in pieces:
                        if not began and (any(map(speaks, piece)) or _has(Finished, piece)):
                            began = True
                            self._leave_out(without - once)
                        yield piece
                return
            except self._failures as exc:
                error = exc if isinstance(exc, ModelError) else self._translate(exc, streaming=began)
                named = blamed_fields(error, self._optional_names(messages, asked)) - without
                if began or not named or not tries_left:
                    raise
                log.info("%s is asked without %s: %s", self.name, ", ".join(sorted(named)), error)
                without |= named
                once |= named if is_about_output(error) else set()

    def _leave_out(self, fields: frozenset[str]) -> None:
        """Remember fields that the server refused and then answered without."""
        new, self._refused = fields - self._refused, self._refused | fields
        if not new:
            return
        log.warning("The server of %s refuses %s: no longer sent", self.name, ", ".join(sorted(new)))
        self._do_without(new)
        self._server.keep(self)

    def _do_without(self, new: frozenset[str]) -> None:
        self.calls = self.calls and "tools" not in new
        if new & {"modalities", "audio"}:
            self.capabilities = replace(self._capabilities, speaks=False)

    def _optional_names(self, messages: Sequence[Message], options: Options) -> Collection[str]:
        """The names of the optional fields that a request contains."""
        fields = set(fit_fields(self._optional(messages, options), options.without)) | options.without & {EFFORT}
        if any(message.answers for message in messages):  # tools can't be withdrawn in the middle of an answer
            fields -= {"tools", "tool_choice"}
        if any(message.role == "assistant" for message in messages):
            fields.add(THOUGHTLESS)
        opaque = (name for message in messages for name in unpack_opaque(message.opaque))
        return fields.union(name for name in opaque if name not in OURS)

    @abstractmethod
    def _optional(self, messages: Sequence[Message], options: Options) -> dict[str, JsonValue]:
        """The optional fields of a request, with their values."""

    @abstractmethod
    def _pieces(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[Sequence[StreamEvent], None]:
        """Stream the server's answer, a list of events for each chunk; an empty one only keeps the line open.

        Raises `foreign` exceptions, or a ModelError if a chunk reports one.
        """

    @abstractmethod
    def _translate(self, exc: Exception, *, streaming: bool) -> ModelError:
        """The ModelError for a foreign exception; `streaming`: the answer had begun."""

    def _learn_from(self, messages: Sequence[Message], error: ModelError) -> ModelError:
        """Learn from an error (circuit breakers, window, capabilities) and return it, without words of the prompt.

        A server that responds may fail for this model only; an unreachable one fails for all.
        """
        if not error.sent:
            return error
        sent = {type(part) for message in messages for part in message.parts}
        error = correct_by_media(error, sent)
        prompt = [message.content for message in messages]
        said = [message.content for message in messages if message.role != "system"]
        error.args = tuple(redact_words(said, redact_prompt(prompt, str(part))) for part in error.args)
        error.model = self.name
        if error.reached:
            self._server_breaker.answered()
            self.breaker.failed(error, conversation_hash(messages))
        else:
            self._server_breaker.failed(error)
        if isinstance(error, ContextTooLong) and error.limit:
            self.learn_limit(error.limit)
        elif isinstance(error, TooManyImages) and Image in sent:
            error = self._learn_picture_limit(
                error, sum(isinstance(part, Image) for message in messages for part in message.parts)
            )
        elif isinstance(error, CannotSee) and Image in sent:
            self._doubts.refused("sees", time.monotonic())
        elif isinstance(error, CannotHear) and Sound in sent:
            self._doubts.refused("hears", time.monotonic())
        return error

    def _learn_picture_limit(self, error: TooManyImages, count: int) -> ModelError:
        """Learn the picture limit from a refusal of `count` pictures, and return the error to raise."""
        if error.most == 0:
            self.capabilities = replace(self._capabilities, sees=False)
            return as_kind(error, CannotSee)
        if count == 1:
            return as_kind(error, ImageRefused)
        most = error.most if error.most is not None and error.most < count else None
        if most is None:  # the message has no number, so try fewer next time
            most = count // 2 if self._guessed_images else count - 1
            self._guessed_images = True
        self.capabilities = replace(self._capabilities, most_images=most)
        log.warning("%s accepts at most %d pictures; it will be sent the newest", self.breaker.name, most)
        return error

    def _bounds(self, options: Options) -> Bounds:
        # The operator's limit (most_tokens) is for answers to people, so side requests ignore it.
        if options.brief:
            return BRIEF
        asked = None if options.aside else self._server.most_tokens
        most = self._most or MOST_TOKENS
        return Bounds(asked or most, max(most, MOST_THOUGHTS))

    def _length(self, options: Options, names: Sequence[str]) -> dict[str, JsonValue]:
        """The field that limits an answer's length: the first name that the server accepts.

        Many servers count reasoning too, so its own bound is added.
        """
        asked, name = self._server.most_tokens, next((name for name in names if name not in options.without), None)
        if asked is None or name is None or options.aside or any(name in self.extra_body for name in LENGTHS):
            return {}
        thinks = options.thinking or (self._has_thought and options.thinking is None)
        most = asked + (MOST_THOUGHTS if thinks else 0)
        return {name: min(most, max(self._most or most, asked))}

    def _sets_thinking(self, options: Options) -> bool:
        return options.thinking is not None and self.capabilities.thinks


def _has(kind: type[StreamEvent], piece: Sequence[StreamEvent]) -> bool:
    return any(isinstance(event, kind) for event in piece)
