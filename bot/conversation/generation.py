"""What models put at the head of an answer because the transcript's lines have it: a time stamp, the speaker's name.

It is taken off, also while the answer is still being written: until it is clear whether the beginning is such a head,
nothing of it is shown. Only the first characters are looked at, since this is done again with each that comes.

An answer while the model writes it: tried again once when the stream breaks, bounded in time, shown as it grows.

Ending an answer from outside, while the model writes it.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from bot.conversation.tokens import TokenCounter
from bot.errors import ContentRefused, EmptyAnswer, ModelError, NoAnswerInTime, StreamCut, ThoughtsTooLong
from bot.language import texts
from bot.llm.interface import DEFAULT, ChatModel, Delta, ExtraRequest, FallbackUsed, Finish, Message, Options, Usage

_STAMP = re.compile(r"\s*\[\w{3} \d{4}-\d\d-\d\d \d\d:\d\d\]\s*")
_LONGEST_STAMP = len("[Mon 2026-11-23 12:00]")
MOST_BLANKS = 100
"""Of a head; a text that begins with more has none."""
ATTEMPTS = 2
"""A stream that breaks, or says nothing, is begun once more from the start before the user hears of it."""
PATIENCE_S = 5.0
"""After this much silence the user sees that the bot is still trying."""

log = logging.getLogger(__name__)


class SpeakerPrefix:
    """The heads of one bot's lines; `names` are what it may be called in them."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = tuple(f"{name.casefold()}:" for name in {*names, "assistant"} if name)
        self._longest = 3 * MOST_BLANKS + _LONGEST_STAMP + max(map(len, self._names))

    def off(self, text: str, *, more: bool = False) -> str:
        """The text without its head; `more`: it is still growing, and empty while it may become one."""
        head = text[: self._longest]
        stamp = _STAMP.match(head)
        end = stamp.end() if stamp else 0
        begun = head[end:].lstrip()
        if more and stamp is None and begun.startswith("[") and "]" not in begun and len(begun) < _LONGEST_STAMP:
            return ""
        folded = begun.casefold()
        name = next((name for name in self._names if folded.startswith(name)), None)
        if name is not None:
            rest = _behind(begun, name)
            return text[len(head) - len(rest) :] if rest else text[len(head) :].lstrip()
        if more and len(text) < self._longest and any(name.startswith(folded) for name in self._names):
            return ""
        return text[len(head) - len(begun) :] if stamp else text


def _behind(begun: str, name: str) -> str:
    """What follows a name, which may be longer when its case is folded."""
    end = next(end for end in range(1, len(begun) + 1) if begun[:end].casefold().startswith(name))
    return begun[end:].lstrip()


class PreviewSink(Protocol):
    """Where the user watches the answer grow. Calls are cheap and never fail."""

    def update(self, text: str) -> None:
        """The whole answer so far, as markdown."""

    def thinking(self) -> None:
        """The model reasons before it answers."""

    def note(self, text: str) -> None:
        """A line about the waiting, while there is no answer yet."""


@dataclass(frozen=True, slots=True)
class BrokenRequest:
    """A request that ended before its server said what it took."""

    text: str
    """What was said and thought until then."""
    instead: FallbackUsed | None
    counted: int | None = None
    """Our own count of its tokens; None: it is the one that the draft was asked with."""


class Generation:
    """What the model has said so far."""

    def __init__(self, show: PreviewSink, bound: float, heads: SpeakerPrefix) -> None:
        """`bound`: seconds that all tries of a request have until the first token, and the longest silence after it.

        `heads`: what is taken off the beginning, since the model only imitates it.
        """
        self.text = ""
        self.finish: Finish | None = None
        self.usage: Usage | None = None
        self.instead: FallbackUsed | None = None
        """Who gave the answer that `usage` is of, where that is not the model that was asked."""
        self.voice = b""
        """The spoken answer, where one was asked for: 16-bit samples, mono, 24 kHz."""
        self.reasoning = ""
        """What the model thought before it answered; it is never sent back."""
        self.kept: set[str] = set()
        """The addresses of responses that the server keeps, of all tries."""
        self._show = show
        self._bound = bound
        self._heads = heads
        self._said = ""
        self._helped: FallbackUsed | None = None
        self._begun: tuple[ExtraRequest, int] | None = None
        self._beside: list[ExtraRequest] = []
        self._broken: list[BrokenRequest] = []

    @property
    def helper(self) -> FallbackUsed | None:
        """Who gave this answer, or a part of it, where that is not the model that was asked."""
        return self.instead or self._helped

    @property
    def goes_on(self) -> bool:
        """Whether it is being asked for with the results of tools."""
        return self._begun is not None

    @property
    def has_begun(self) -> bool:
        """Whether the request under way has said something; what was said before it looked something up is older."""
        return bool(self.text.strip() and self._said[self._begun[1] if self._begun else 0 :].strip())

    def further(self, counted: int, count_tokens: TokenCounter) -> list[ExtraRequest]:
        """The requests beside that of the answer, and those of tries that came to nothing: they are paid for too.

        `counted`: our own count of the prompt's tokens, for an estimate where the server said nothing.
        """
        broken = [*self._broken, *self._unfinished()]
        return self._beside + [
            ExtraRequest(counted if one.counted is None else one.counted, count_tokens(one.text), None, one.instead)
            for one in broken
        ]

    def still_trying(self) -> None:
        """Tell who waits that the answer takes several requests."""
        self._show.note(texts.STILL_TRYING)

    async def write(self, model: ChatModel, messages: Sequence[Message], options: Options = DEFAULT) -> None:
        """Fill this draft with the model's answer. Raises a ModelError when there is none."""
        give_up_at = asyncio.get_running_loop().time() + self._bound
        for attempt in range(1, ATTEMPTS + 1):
            self.put_aside()
            self.text, self.finish, self.voice = "", None, b""
            try:
                async with aclosing(model.stream(messages, options)) as deltas:
                    await self._read(deltas, give_up_at)
                self._doubt_usage()
                self.text = self._heads.off(self._said)
                self._check()
                return
            except (StreamCut, EmptyAnswer) as exc:
                if attempt == ATTEMPTS or isinstance(exc, ThoughtsTooLong):  # it would only cost the same again
                    raise
                log.warning("The model's answer broke off and is begun again: %s", exc)
                if self.text:  # the server did answer in time
                    give_up_at = asyncio.get_running_loop().time() + self._bound

    def put_aside(self) -> None:
        """Count what was used so far as used beside the answer: this try has come to nothing."""
        said = self._said[: self._begun[1]] if self._begun else self._said
        if self.usage is not None:
            self._beside.append(ExtraRequest(0, 0, self.usage, self.instead))
        elif said or self.reasoning:
            self._broken.append(BrokenRequest(said + self.reasoning, self.instead))
        self._broken += [one for one in self._unfinished() if one.text]  # else it was refused, as far as is known
        self.usage, self.instead, self._helped, self._begun = None, None, None, None
        self.reasoning = self._said = ""

    async def _read(self, deltas: AsyncIterator[Delta], give_up_at: float) -> None:
        loop = asyncio.get_running_loop()
        patience = loop.call_later(PATIENCE_S, self._show.note, texts.STILL_TRYING)
        try:
            async with asyncio.timeout_at(give_up_at) as limit:
                async for delta in deltas:
                    patience.cancel()
                    if delta.queued is not None:  # how long that lasts is bounded at the gate
                        limit.reschedule(None if delta.queued else loop.time() + self._bound)
                        note = texts.IN_LINE if delta.queued else texts.STILL_TRYING
                        patience = loop.call_later(PATIENCE_S, self._show.note, note)
                        continue
                    spoke = delta.text or delta.reasoning or delta.voice
                    if spoke or limit.when() is None:  # what only keeps the line open is no progress
                        limit.reschedule(loop.time() + self._bound)
                    self._take(delta)
        except TimeoutError as exc:
            raise NoAnswerInTime(f"silence for {self._bound:.0f} s") from exc
        finally:
            patience.cancel()

    def _take(self, delta: Delta) -> None:
        self.instead = delta.instead or self.instead
        if delta.begins is not None:
            self._begun = delta.begins, len(self._said)
        if delta.beside is not None:
            self._begun = None
            self._beside.append(delta.beside)
            self._helped = delta.beside.instead or self._helped
        self.finish = delta.finish or self.finish
        self.usage = delta.usage or self.usage
        self.voice += delta.voice
        if delta.kept:
            self.kept.add(delta.kept)
        if delta.taken_back:
            self._take_back()
        self.reasoning += delta.reasoning
        if delta.text:
            self._said += delta.text
            self.text = self._heads.off(self._said, more=True)
            self._show.update(self.text)
        elif delta.reasoning and not self.text:
            self._show.thinking()

    def _take_back(self) -> None:
        """What was said was thought; what an earlier request said stays."""
        start = self._begun[1] if self._begun else 0
        self.reasoning += self._said[start:]
        self._said = self._said[:start]
        self.text = self._heads.off(self._said, more=True)

    def _doubt_usage(self) -> None:
        """An output of nothing, where something was said, is no report: what was said is estimated instead."""
        if self.usage is not None and not self.usage.output and (self._said or self.reasoning):
            self.usage = None

    def _unfinished(self) -> list[BrokenRequest]:
        """The further request that has not ended, if there is one."""
        if self._begun is None:
            return []
        begun, start = self._begun
        return [BrokenRequest(self._said[start:], begun.instead, begun.counted)]

    def _check(self) -> None:
        if self.text.strip():
            return
        if self.finish is Finish.FILTER:
            raise ContentRefused("content_filter before the first word")
        if self.finish is Finish.LENGTH:
            raise ThoughtsTooLong("finish_reason length, and no text")
        raise EmptyAnswer(f"finish_reason {self.finish}, and no text")


class Interruption(Enum):
    """Why an answer was ended from outside."""

    STOPPED = auto()
    """The user has heard enough: what was said stands."""
    MORE_TO_COME = auto()
    """The user's message goes on: the answer is begun again with all of it."""


class AnswerHandle:
    """A handle on an answer under way, for whoever wants to end it."""

    def __init__(self) -> None:
        self.ending: Interruption | None = None
        self.update_ids: Collection[int] = ()
        self._task: asyncio.Task[None] | None = None

    def end(self, ending: Interruption, update_ids: Collection[int] = ()) -> bool:
        """End the answer; the updates that asked for it are done together with what they did.

        Returns False when there is nothing to end any more.
        """
        if self._task is not None and self._task.done():
            return False
        if self.ending is Interruption.STOPPED:  # stopped is stopped, whatever else is said
            return True
        self.ending, self.update_ids = ending, update_ids
        if self._task is not None:
            self._task.cancel()
        return True

    async def run(self, work: Coroutine[None, None, None]) -> None:
        """Do the work until it is done or ended."""
        self._task = asyncio.create_task(work, name="answer")
        if self.ending is not None:
            self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if self.ending is None or (caller is not None and caller.cancelling()):
                raise
        except ModelError:
            if self.ending is None:  # else it was ended and failed in the same moment: ended is what the user asked for
                raise
