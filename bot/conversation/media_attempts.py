"""Asking the model once, and again without the media that it refuses."""

import asyncio
import logging

from bot.conversation.answer import AnswerInFlight
from bot.conversation.prompt_builder import PromptBuilder, Reduction, Request
from bot.conversation.window import WindowReader
from bot.errors import (
    CannotHear,
    CannotSee,
    EmptyAnswer,
    ImageRefused,
    MediaRefused,
    ModelError,
    NoPermission,
    RequestRefused,
    ServerTrouble,
    TooManyBytes,
    TooManyImages,
)
from storage import StorageError, complete
from storage.database import Database
from storage.running_requests import RunningRequest, RunningRequests

MOST_REFUSALS = 8
"""Requests for one answer if media are refused: the number, the newest ones, all pictures, then the sounds."""
BROKEN = (500, 501, 502)
"""Statuses of a server that the request itself may have broken; others mean that it is busy or down."""
RECORD_AFTER_S = 0.3
"""A request that is answered sooner isn't recorded, in seconds: the record would take longer than it is worth."""

log = logging.getLogger(__name__)


class MediaAttempts:
    """Asks the model for an answer, with as many of the media as it accepts."""

    def __init__(
        self, prompts: PromptBuilder, windows: WindowReader, database: Database, requests: RunningRequests
    ) -> None:
        self._database = database
        self._requests = requests
        self._prompts = prompts
        self._windows = windows

    async def ask_with_media(self, answer: AnswerInFlight, less: Reduction = Reduction.NOTHING) -> None:
        """Ask, and ask again without the media that the model refuses. Raises a ModelError."""
        left_out: list[int] = []
        try:
            await self._without_refused(answer, less, left_out)
        except BaseException:
            if left_out and not (
                answer.generation.text or answer.generation.reasoning
            ):  # the media may not be the cause
                await complete(self._prompts.take_back(left_out))
            raise

    async def _without_refused(self, answer: AnswerInFlight, less: Reduction, left_out: list[int]) -> None:
        for _ in range(MOST_REFUSALS):
            try:
                await self.ask(answer, less)
            except (CannotSee, CannotHear, TooManyImages) as exc:
                if not answer.sent_media:
                    raise RequestRefused(str(exc)) from exc
                answer.media_refusal = exc
            except (ImageRefused, MediaRefused, RequestRefused, TooManyBytes, NoPermission, ServerTrouble) as exc:
                if not is_about_this(exc) or (isinstance(exc, NoPermission | ServerTrouble) and not answer.sent_media):
                    raise
                more = await self._prompts.leave_out_media(answer.chat.id)
                if not more:
                    if isinstance(exc, ImageRefused | MediaRefused):  # with no media left, it means something else
                        raise _as_request(exc) from exc
                    raise
                left_out += more
                answer.media_refusal = exc if isinstance(exc, ImageRefused) else MediaRefused(str(exc))
            else:
                return
        raise answer.media_refusal or EmptyAnswer("refused")

    async def ask(self, answer: AnswerInFlight, less: Reduction) -> None:
        """Ask once. Raises a ModelError."""
        async with self._windows.request():
            known = answer.window if answer.request is None else None
            answer.window = known if less is Reduction.NOTHING else None
            request = await self._prompts.prepare(
                answer.chat, without=answer.pending.replaces, less=less, known=answer.window
            )
            answer.request = request
            records: list[asyncio.Task[None]] = []

            def begun(counted: int | None) -> None:
                records.append(asyncio.create_task(self._record(answer, request, counted), name="record of a request"))

            try:
                await answer.generation.write(request.model, request.messages, request.options(answer.chat), begun)
            finally:
                for record in records:
                    record.cancel()
                await complete(asyncio.gather(*records, return_exceptions=True))  # the caller deletes them next

    async def _record(self, answer: AnswerInFlight, request: Request, counted: int | None) -> None:
        """Record a request that isn't answered at once."""
        await asyncio.sleep(RECORD_AFTER_S)
        counted = request.counted if counted is None else counted
        running = RunningRequest(answer.chat.id, answer.reply_id, request.model.name, counted, answer.user_id)
        try:
            async with self._database.transaction(first=True) as tx:
                await self._requests.begin(tx, running)
        except StorageError as exc:
            log.warning("A request can't be recorded; if the process is killed now, it won't be charged: %s", exc)


def is_about_this(exc: ModelError) -> bool:
    """Whether the request may be the cause, rather than some trouble of the server's own."""
    return not isinstance(exc, ServerTrouble) or exc.status in BROKEN


def _as_request(exc: ModelError) -> RequestRefused:
    changed = RequestRefused(*exc.args)
    changed.__dict__.update(exc.__dict__)
    return changed
