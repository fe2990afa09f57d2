"""One answer in flight: a single object, from the start of a reply until its outcome is known.

Its states, and what may be called in each:

    READY ----run()----> WRITING ----> WRITTEN     the model has finished
      |                     |--------> FAILED      a ModelError: there is no answer
      |                     |--------> CANCELLED   the process stops: the reply is still pending after a restart
      '---------------------'--------> INTERRUPTED the user stopped it, or it starts over with a longer message

- `run` is called once, in READY. If the answer was interrupted before, the model is not asked.
- `stop` and `restart` may be called at any time. In READY and WRITING they interrupt the answer and return True; later
  they return False and change nothing. A stop is final: no restart replaces it, and a second stop changes nothing.
- The attributes under "What the model was asked" are filled in while WRITING, and read afterwards.
- The caller stores the outcome, in any state but READY and WRITING: a WRITTEN answer with its text, a stopped one as
  far as it got, and the cost of each. The updates that interrupted it are marked done in the same transaction.

An answer that is stopped before its object exists leaves a StopOrder, which ``Cancellations`` keeps until then.
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import Enum, auto
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from bot.conversation.generation import Generation, PreviewSink
from bot.errors import ModelError
from bot.pricing import Amount
from storage.records import Chat, File, Usage
from storage.transcript import PendingReply

if TYPE_CHECKING:
    from bot.conversation.prompt_builder import Request
    from bot.conversation.window import PromptWindow


class AnswerState(Enum):
    """How far an answer has got; the module's docstring has the transitions."""

    READY = auto()
    WRITING = auto()
    WRITTEN = auto()
    FAILED = auto()
    CANCELLED = auto()
    INTERRUPTED = auto()


class Interruption(Enum):
    """Why an answer was ended from outside."""

    STOPPED = auto()
    """The user stopped it: the text so far is kept."""
    RESTARTED = auto()
    """There is more of the user's message: the answer starts over with all of it."""


@dataclass(frozen=True, slots=True)
class StopOrder:
    """How to end an answer, and the updates that asked for it."""

    interruption: Interruption
    update_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What is known of an answer once it is stored; usage and price cover all its requests."""

    model: str
    usage: Usage
    price: Amount | None
    recalled: int
    """How many older turns it was shown."""


class AnswerPreview(PreviewSink, Protocol):
    """What the user sees while an answer is being written; it is on show while its context is open."""

    shown: bool
    """Whether the user has seen any of the answer's text."""
    shown_at: float | None
    """When the user first saw some of it, in monotonic time."""

    @property
    def message_id(self) -> int | None:
        """The message that shows the answer so far, if it is a message."""

    async def __aenter__(self) -> object: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class AnswerInFlight:
    """One answer, from its start to its outcome; the module's docstring says what may be called when."""

    def __init__(
        self,
        chat: Chat,
        pending: PendingReply,
        reply_id: int,
        *,
        preview: AnswerPreview,
        generation: Generation,
    ) -> None:
        self.chat = chat
        self.pending = pending
        self.reply_id = reply_id
        self.preview = preview
        self.generation = generation
        # What the model was asked, and what the user learns in addition to its answer
        self.user_id: int | None = None
        """Who asked, if it was one person."""
        self.request: Request | None = None
        """The last request sent."""
        self.window: PromptWindow | None = None
        """The window as read for the only request; None if it has changed or there were more requests."""
        self.token_ratio: float | None = None
        """The model's tokens per counted token, as its reported usage shows; None: unknown."""
        self.media_refusal: ModelError | None = None
        """Why a picture or a sound was left out."""
        self.left_out: list[str] = []
        """Sentences for the user about other things that were left out."""
        self.voice: File | None = None
        """What the model spoke, as a voice message."""
        self.stored: StoredAnswer | None = None
        """What was stored; None if there is no answer, or not yet."""
        self.begun_at = time.monotonic()
        self._order: StopOrder | None = None
        self._task: asyncio.Task[None] | None = None
        self._state = AnswerState.READY

    @property
    def state(self) -> AnswerState:
        return self._state

    @property
    def interruption(self) -> Interruption | None:
        """Why it was ended from outside, or None."""
        return self._order.interruption if self._order else None

    @property
    def update_ids(self) -> tuple[int, ...]:
        """The updates that ended it, to be marked done together with their effect."""
        return self._order.update_ids if self._order else ()

    @property
    def shown_in(self) -> int | None:
        """Its own preview message; None if it has none, or if it replaces the text of another message."""
        return None if self.pending.in_place else self.preview.message_id

    @property
    def shown_after(self) -> float | None:
        """How long the user waited until some of it could be seen, in seconds; None: until it was finished."""
        shown_at = self.preview.shown_at
        return None if shown_at is None else max(0.0, shown_at - self.begun_at)

    @property
    def sent_media(self) -> bool:
        """Whether pictures or sounds were sent to the model."""
        return self.request is not None and any(message.parts for message in self.request.messages)

    def stop(self, update_ids: tuple[int, ...] = ()) -> bool:
        """End it with the text so far; False if it has already ended."""
        return self.interrupt(StopOrder(Interruption.STOPPED, update_ids))

    def restart(self) -> bool:
        """End it so that it can start over; False if it has already ended."""
        return self.interrupt(StopOrder(Interruption.RESTARTED))

    def restart_unshown(self) -> bool:
        """Restart it, unless the user has seen some of it."""
        return not self.preview.shown and self.preview.message_id is None and self.restart()

    def interrupt(self, order: StopOrder) -> bool:
        """End it as ordered; False if it has already ended."""
        if self._state not in (AnswerState.READY, AnswerState.WRITING) or (self._task and self._task.done()):
            return False
        if self.interruption is Interruption.STOPPED:  # a stop is final
            return True
        self._order = order
        if self._task is not None:
            self._task.cancel()
        return True

    async def run(self, work: Coroutine[None, None, None]) -> None:
        """Run `work`, which writes the answer, until it is done or interrupted. Raises the ModelError that ended it.

        An answer that fails while it is being interrupted counts as interrupted, since that is what the user asked for.
        """
        self._state, self._task = AnswerState.WRITING, asyncio.create_task(work, name="answer")
        if self._order is not None:
            self._task.cancel()
        ended = AnswerState.WRITTEN
        try:
            await self._task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if self._order is None or (caller is not None and caller.cancelling()):
                ended = AnswerState.CANCELLED
                raise
        except ModelError:
            if self._order is None:
                ended = AnswerState.FAILED
                raise
        except BaseException:
            ended = AnswerState.FAILED
            raise
        finally:
            self._state = AnswerState.INTERRUPTED if ended is AnswerState.WRITTEN and self._order else ended
