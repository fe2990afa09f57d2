"""One answer in flight: a single object, from the begun reply until it is known what became of it.

Its states, and what may be called in each:

    READY ----run()----> WRITING ----> WRITTEN     the model has said all of it
      |                     |--------> FAILED      a ModelError: there is no answer
      |                     |--------> CANCELLED   the process stops: it is still pending after a restart
      '---------------------'--------> INTERRUPTED the user has stopped it, or it is begun again with more

- `run` is called once, in READY. If the answer was interrupted before, the model is not asked.
- `stop` and `restart` may be called at any time. In READY and WRITING they interrupt the answer and return True; later
  they return False and change nothing. A stop is final: no restart replaces it, and a second stop changes nothing.
- The attributes under "What the model was asked" are filled while WRITING, and read afterwards.
- Storing what became of it is the caller's part, in every state but READY and WRITING: a WRITTEN one with its text, a
  stopped one as far as it got, and of each what it cost. The updates that interrupted it are done in that transaction.

What was stopped before the object exists is a StopOrder, which ``Cancellations`` keeps until then.
"""

import asyncio
from collections.abc import Collection, Coroutine
from dataclasses import dataclass
from enum import Enum, auto
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from bot.conversation.generation import Generation, PreviewSink
from bot.errors import ModelError
from storage.records import Chat, File
from storage.transcript import PendingReply

if TYPE_CHECKING:
    from bot.conversation.prompt_builder import Request
    from bot.conversation.window import PromptWindow


class AnswerState(Enum):
    """How far an answer has got: see above."""

    READY = auto()
    WRITING = auto()
    WRITTEN = auto()
    FAILED = auto()
    CANCELLED = auto()
    INTERRUPTED = auto()


class Interruption(Enum):
    """Why an answer was ended from outside."""

    STOPPED = auto()
    """The user has heard enough: what was said is kept."""
    RESTARTED = auto()
    """The user's message goes on: the answer is begun again with all of it."""


@dataclass(frozen=True, slots=True)
class StopOrder:
    """How an answer is to end, and the updates that say so."""

    interruption: Interruption
    update_ids: tuple[int, ...] = ()


class AnswerPreview(PreviewSink, Protocol):
    """What the user watches while an answer is written; it is shown within its context."""

    shown: bool
    """Whether the user has seen any of the answer's text."""

    @property
    def message_id(self) -> int | None:
        """The message that shows the beginning, if it is a message."""

    async def __aenter__(self) -> object: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class AnswerInFlight:
    """An answer, from its beginning until it is known what became of it: see the module's docstring."""

    def __init__(
        self,
        chat: Chat,
        pending: PendingReply,
        reply_id: int,
        *,
        preview: AnswerPreview,
        generation: Generation,
        asked_by: Collection[int] = (),
    ) -> None:
        """`asked_by`: the Telegram messages that it answers."""
        self.chat = chat
        self.pending = pending
        self.reply_id = reply_id
        self.preview = preview
        self.generation = generation
        # What the model was asked, and what the user is told in addition to its answer
        self.user_id: int | None = None
        """Who asked, if it was one person."""
        self.request: Request | None = None
        """The last one that was sent."""
        self.window: PromptWindow | None = None
        """The window as it was read for the only request; None: it was changed, or there were more requests."""
        self.media_refusal: ModelError | None = None
        """Why a picture or a sound was left out."""
        self.left_out: list[str] = []
        """Sentences for the user about other things that were left out."""
        self.voice: File | None = None
        """What the model spoke, as a voice message."""
        self._asked_by = asked_by
        self._order: StopOrder | None = None
        self._task: asyncio.Task[None] | None = None
        self._state = AnswerState.READY

    @property
    def state(self) -> AnswerState:
        """How far it has got."""
        return self._state

    @property
    def interruption(self) -> Interruption | None:
        """Why it was ended from outside, if it was."""
        return self._order.interruption if self._order else None

    @property
    def update_ids(self) -> tuple[int, ...]:
        """The updates that ended it, which are done together with what they did."""
        return self._order.update_ids if self._order else ()

    @property
    def shown_in(self) -> int | None:
        """Its own message that shows its beginning; None: there is none, or it replaces the text of another message."""
        return None if self.pending.in_place else self.preview.message_id

    @property
    def sent_media(self) -> bool:
        """Whether pictures or sounds were sent to the model."""
        return self.request is not None and any(message.parts for message in self.request.messages)

    def answers(self, message_id: int) -> bool:
        """Whether this message is one of those that it answers."""
        return message_id in self._asked_by

    def stop(self, update_ids: tuple[int, ...] = ()) -> bool:
        """End it with what was said so far; False when there is nothing to end any more."""
        return self.interrupt(StopOrder(Interruption.STOPPED, update_ids))

    def restart(self) -> bool:
        """End it, to be begun again; False when there is nothing to end any more."""
        return self.interrupt(StopOrder(Interruption.RESTARTED))

    def restart_unshown(self) -> bool:
        """Begin it again, unless the user has seen some of it."""
        return not self.preview.shown and self.preview.message_id is None and self.restart()

    def interrupt(self, order: StopOrder) -> bool:
        """End it as ordered; False when there is nothing to end any more."""
        if self._state not in (AnswerState.READY, AnswerState.WRITING) or (self._task and self._task.done()):
            return False
        if self.interruption is Interruption.STOPPED:  # whatever else is said
            return True
        self._order = order
        if self._task is not None:
            self._task.cancel()
        return True

    async def run(self, work: Coroutine[None, None, None]) -> None:
        """Do the work that fills it until it is done or interrupted. Raises the ModelError that ended the work.

        An answer that fails while it is being interrupted was interrupted: that is what the user asked for.
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
