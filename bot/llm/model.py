"""A model of a server, whatever interface it is spoken to by."""

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
from bot.llm.answer_stream import BRIEF, MOST_THOUGHTS, MOST_TOKENS, AnswerStream, Bounds, in_time
from bot.llm.breaker import CircuitBreaker, conversation
from bot.llm.error_bodies import without_words_of
from bot.llm.failures import changed, of_what_was_sent
from bot.llm.fields import EFFORT, LENGTHS, MOST_TRIES, THOUGHTLESS, blamed, fitted, is_about_output
from bot.llm.interface import DEFAULT, Capabilities, Delta, Finish, Image, Message, Options, Sound
from bot.llm.learned import Doubts, Learned
from bot.llm.profiles import ModelProfile
from bot.llm.request_queue import rank, waiting_chat
from bot.llm.server import Server
from bot.llm.tool_calls import OURS, beside

LEAST_LIMIT = 1024
"""A model that reads less can't hold a conversation: what says so is taken for a mistake."""
log = logging.getLogger(__name__)


class Model(ABC):
    """One model of a server: what all interfaces have in common."""

    foreign: tuple[type[Exception], ...] = ()
    """What the client of the interface raises besides ModelErrors."""

    def __init__(self, server: Server, name: str) -> None:
        self.name = name
        profile = server.known_of(name)
        self._doubts = Doubts()
        self._known = self.senses = server.profile.senses(profile)
        self.window = profile.context_window
        self._most = profile.most_output
        self.extra_body = server.extra_body | profile.body
        self._has_thought = False
        self.limit: int | None = None
        self._limit_of: int | None = None
        """What it was said to read when a limit was learned that is remembered."""
        self._guessed_images = False
        self.single_turn = profile.single_turn
        self.calls = profile.tools
        self.breaker = CircuitBreaker(f"{name} at {server.breaker.name}", server.answers)
        self._server = server
        self._refused: frozenset[str] = frozenset()
        """Optional fields that the server does not take from this model."""
        self._failures: tuple[type[Exception], ...] = (ModelError, *self.foreign)

    def know(self, profile: ModelProfile) -> None:
        """Take over what its server tells of it later than it was made; what refusals have taught stays."""
        told, before, now = self._server.profile.senses(profile), self._known, self._senses
        refused = {name for name in ("sees", "hears", "speaks") if getattr(before, name) and not getattr(now, name)}
        most = told.most_images if now.most_images == before.most_images else now.most_images
        self._known = told
        self.senses = replace(told, most_images=most, **dict.fromkeys(refused, False))
        if self._limit_of not in (None, profile.context_window):
            self.limit = self._limit_of = None
        self.window, self._most, self.single_turn = profile.context_window, profile.most_output, profile.single_turn
        self.calls = profile.tools and "tools" not in self._refused

    @property
    def senses(self) -> Capabilities:
        """See ChatModel.senses."""
        return self._doubts.left_of(self._senses, time.monotonic())

    @senses.setter
    def senses(self, senses: Capabilities) -> None:
        self._senses = senses

    async def stream(self, messages: Sequence[Message], options: Options = DEFAULT) -> AsyncGenerator[Delta, None]:
        """See ChatModel.stream."""
        self._check()
        began, finished = False, False
        answer = AnswerStream(self._bounds(options))
        try:
            async with aclosing(self._in_turn(messages, options)) as told, aclosing(in_time(told)) as deltas:
                async for delta in deltas:
                    if delta.queued is not None:
                        yield delta
                        continue
                    if not began:
                        self._server.breaker.answered()
                        self.breaker.answered()
                    began = True
                    self._has_thought = self._has_thought or bool(delta.reasoning)
                    read = answer.read(delta)
                    if delta.finish is Finish.UNKNOWN and not finished and not delta.calls and answer.is_cut:
                        raise StreamCut("an unknown finish reason in the middle of a sentence")
                    finished = finished or read.finish is not None
                    yield read
                    if read.finish is not delta.finish:
                        level = logging.DEBUG if options.brief else logging.WARNING
                        log.log(level, "%s said more than it may; the rest is not read", self.name)
                        break
        except self._failures as exc:
            error = exc if isinstance(exc, ModelError) else self._translated(exc, streaming=began)
            if not finished or isinstance(error, ContentRefused):  # which may take back what was said
                raise self._learned(messages, error) from (exc.__cause__ if error is exc else exc)
            log.info("%s: trouble behind a whole answer: %s", self.name, error)
        if finished:
            self._server.seen_to_answer()
        else:
            raise self._learned(messages, StreamCut("the stream ended without a finish_reason"))

    def learn_limit(self, tokens: int) -> None:
        """See ChatModel.learn_limit."""
        tokens = max(tokens, LEAST_LIMIT)
        if self.limit is None or tokens < self.limit:
            self.limit, self._limit_of = tokens, None
            self._server.keep(self)
            log.warning("%s reads %d tokens at most; longer windows are made shorter", self.breaker.name, tokens)

    @property
    def learned(self) -> Learned:
        """What was learned of it, to be kept."""
        return Learned(self._refused, self.limit, self.window)

    def recall(self, learned: Learned) -> None:
        """Take up what was learned of it before; a limit holds while the model is said to read as much as then."""
        self._refused = learned.refused
        self._do_without(learned.refused)
        if learned.limit is not None:
            self.limit, self._limit_of = max(learned.limit, LEAST_LIMIT), learned.window
        if learned != Learned():
            log.info("%s, as was seen before: %s", self.breaker.name, learned.as_json())

    async def _in_turn(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[Delta, None]:
        """The answer, when its turn has come; what may go better is tried again, as long as nothing was said."""
        with self._server.gate.turn(rank(messages), waiting_chat()) as turn:
            while True:
                if not turn.is_on:
                    yield Delta(queued=True)
                    await turn.wait()
                    yield Delta(queued=False)
                    self._check()
                began, asked_at = False, asyncio.get_running_loop().time()
                try:
                    async with aclosing(self._taken(messages, options)) as deltas:
                        async for delta in deltas:
                            if not began:
                                turn.answered()
                            began = True
                            yield delta
                    return
                except asyncio.CancelledError:
                    if not began:
                        self._server.breaker.given_up(asyncio.get_running_loop().time() - asked_at)
                    raise
                except self._failures as exc:
                    error = exc if isinstance(exc, ModelError) else self._translated(exc, streaming=began)
                    if began or not await turn.again(error, self._server.retries):
                        raise

    def _check(self) -> None:
        """Raise ServerTrouble at once while the server, or this model of it, is down."""
        self._server.breaker.check()
        self.breaker.check()

    async def _taken(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[Delta, None]:
        """The answer; an optional field that the server refuses is left out of the request, and of later ones."""
        without, once = self._refused, frozenset[str]()
        for tries_left in reversed(range(MOST_TRIES + 1)):
            began, asked = False, replace(options, without=without)
            try:
                async with aclosing(self._deltas(messages, asked)) as deltas:
                    async for delta in deltas:
                        if not began and (delta.text or delta.reasoning or delta.voice or delta.finish):
                            began = True
                            self._leave_out(without - once)
                        yield delta
                return
            except self._failures as exc:
                error = exc if isinstance(exc, ModelError) else self._translated(exc, streaming=began)
                named = blamed(error, self._sent(messages, asked)) - without
                if began or not named or not tries_left:
                    raise
                log.info("%s is asked without %s: %s", self.name, ", ".join(sorted(named)), error)
                without |= named
                once |= named if is_about_output(error) else set()

    def _leave_out(self, fields: frozenset[str]) -> None:
        """Remember that the server answers without these, and refused them."""
        new, self._refused = fields - self._refused, self._refused | fields
        if not new:
            return
        log.warning("The server of %s refuses %s: no longer sent", self.name, ", ".join(sorted(new)))
        self._do_without(new)
        self._server.keep(self)

    def _do_without(self, new: frozenset[str]) -> None:
        self.calls = self.calls and "tools" not in new
        if new & {"modalities", "audio"}:
            self.senses = replace(self._senses, speaks=False)

    def _sent(self, messages: Sequence[Message], options: Options) -> Collection[str]:
        """The names of the optional fields of a request."""
        fields = set(fitted(self._optional(messages, options), options.without)) | options.without & {EFFORT}
        if any(message.answers for message in messages):  # they can't be taken back in the middle of an answer
            fields -= {"tools", "tool_choice"}
        if any(message.role == "assistant" for message in messages):
            fields.add(THOUGHTLESS)
        opaque = (name for message in messages for name in beside(message.opaque))
        return fields.union(name for name in opaque if name not in OURS)

    @abstractmethod
    def _optional(self, messages: Sequence[Message], options: Options) -> dict[str, JsonValue]:
        """The optional fields of a request, with their values."""

    @abstractmethod
    def _deltas(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[Delta, None]:
        """The server's answer piece by piece. Raises foreign exceptions, or a ModelError for what a piece says."""

    @abstractmethod
    def _translated(self, exc: Exception, *, streaming: bool) -> ModelError:
        """The ModelError for a foreign exception; `streaming`: the answer had begun."""

    def _learned(self, messages: Sequence[Message], error: ModelError) -> ModelError:
        """The error, after it has taught what this model can't do, and how its server is.

        A server that is there and fails may fail with this model alone; one that can't be reached fails with all.
        """
        if not error.sent:
            return error
        sent = {type(part) for message in messages for part in message.parts}
        error = of_what_was_sent(error, sent)
        prompt = [message.content for message in messages]
        error.args = tuple(without_words_of(prompt, str(part)) for part in error.args)
        error.model = self.name
        if error.reached:
            self._server.breaker.answered()
            self.breaker.failed(error, conversation(messages))
        else:
            self._server.breaker.failed(error)
        if isinstance(error, ContextTooLong) and error.limit:
            self.learn_limit(error.limit)
        elif isinstance(error, TooManyImages) and Image in sent:
            error = self._shown_fewer(error, sum(isinstance(part, Image) for one in messages for part in one.parts))
        elif isinstance(error, CannotSee) and Image in sent:
            self._doubts.refused("sees", time.monotonic())
        elif isinstance(error, CannotHear) and Sound in sent:
            self._doubts.refused("hears", time.monotonic())
        return error

    def _shown_fewer(self, error: TooManyImages, count: int) -> ModelError:
        """The error of a request with this many pictures, after it has taught how many the model takes."""
        if error.most == 0:
            self.senses = replace(self._senses, sees=False)
            return changed(error, CannotSee)
        if count == 1:
            return changed(error, ImageRefused)
        most = error.most if error.most is not None and error.most < count else None
        if most is None:  # it does not say, so that it is found out
            most = count // 2 if self._guessed_images else count - 1
            self._guessed_images = True
        self.senses = replace(self._senses, most_images=most)
        log.warning("%s takes %d pictures at most; of more it is shown the newest", self.breaker.name, most)
        return error

    def _bounds(self, options: Options) -> Bounds:
        if options.brief:
            return BRIEF
        asked = None if options.aside else self._server.most_tokens
        most = self._most or MOST_TOKENS
        return Bounds(asked or most, max(most, MOST_THOUGHTS))

    def _length(self, options: Options, names: Sequence[str]) -> dict[str, JsonValue]:
        """The field for the most tokens of an answer: the first of these that the server takes.

        Many servers count the thoughts in; those have a bound of their own.
        """
        asked, name = self._server.most_tokens, next((name for name in names if name not in options.without), None)
        if asked is None or name is None or options.aside or any(name in self.extra_body for name in LENGTHS):
            return {}
        thinks = options.thinking or (self._has_thought and options.thinking is None)
        most = asked + (MOST_THOUGHTS if thinks else 0)
        return {name: min(most, max(self._most or most, asked))}

    def _is_told_to_think(self, options: Options) -> bool:
        return options.thinking is not None and self.senses.thinks
