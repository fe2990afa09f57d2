"""Asking the model, and asking again with less if it refuses, so that no message can block a chat for good.

What is tried, in this order and only as far as necessary:

- Pictures or sounds are refused: without those of the newest message, then without any. If that helps, the ones left
  out aren't sent again.
- The server says that the prompt is too long: with half of the window, and if even the newest message is too long,
  that is left out.
- Refused for no known reason: without the messages since the last answer, because everything before them has passed.
  Those that are refused are found and left out of later prompts.
- If that doesn't help and the window is long: once with half of it. If that helps, the prompt was too long, and the
  window is halved before the next question; if it doesn't, nothing is changed.
- Refused by a content filter: without what the filter refuses (``content_filter``).
"""

from functools import partial

from bot.conversation.answer import AnswerInFlight
from bot.conversation.content_filter import ContentFilterRecovery
from bot.conversation.media_attempts import BROKEN, MediaAttempts, is_about_this
from bot.conversation.prompt_builder import Reduction, unanswered
from bot.conversation.refusal_search import RefusalSearch
from bot.conversation.window import PromptWindow, WindowReader
from bot.conversation.window_fitter import WindowFitter
from bot.errors import (
    ContentRefused,
    ContextTooLong,
    MessageTooLong,
    ModelError,
    NoPermission,
    RateLimited,
    RequestRefused,
    ServerTrouble,
    TooManyBytes,
)
from bot.language import texts
from storage.database import Database
from storage.transcript import Transcript

MOST_HALVINGS = 4
"""How often a window may be halved for one answer."""
REFUSED_SHARE = 0.95
"""A model's limit is assumed to be this share of a prompt that was too long, because our token count is inexact."""
ENOUGH = 2
"""After this many unexplained refusals that half of the window cured, the model's limit counts as known."""
LONG_TOKENS = 1500
LONG_SHARE = 0.5
"""An unexplained refusal may be about the length if the window has this many tokens, or this share of the model's."""
UNEXPLAINED: dict[type[ModelError], tuple[int, ...]] = {
    RequestRefused: (400, 422),
    ServerTrouble: (500,),
    RateLimited: (413,),  # Groq: more tokens at once than the account may send in a minute
    NoPermission: (),
}
"""Refusals that the length of the prompt may have caused, if they have one of these statuses."""


class AnswerAttempts:
    """Gets an answer from the model, leaving out more and more of what it refuses."""

    def __init__(
        self,
        database: Database,
        transcript: Transcript,
        windows: WindowReader,
        attempts: MediaAttempts,
        recovery: ContentFilterRecovery,
        refusals: RefusalSearch,
        fitter: WindowFitter,
    ) -> None:
        self._database = database
        self._transcript = transcript
        self._windows = windows
        self._attempts = attempts
        self._recovery = recovery
        self._refusals = refusals
        self._fitter = fitter
        self._too_long: set[int] = set()
        """Chats whose window proved too long because half of it passed; it is halved before the next answer."""
        self._unexplained: dict[str, list[float]] = {}
        """By model: sizes of windows that it refused without a reason while it accepted half of them."""

    async def write(self, answer: AnswerInFlight) -> None:
        """Get an answer. Raises a ModelError if there is none."""
        chat_id = answer.chat.id
        if chat_id in self._too_long:
            self._too_long.discard(chat_id)
            await self._fitter.make_after_refusal(chat_id)
        fitted = await self._fitter.make(chat_id)
        answer.window = fitted if answer.pending.replaces is None else None
        try:
            await self._ask_fitting(answer)
        except ContentRefused as exc:
            if answer.generation.has_begun:  # the filter cut off the answer; it had let the question pass
                answer.generation.end_by_filter()
                return
            await self._recovery.answer(answer, exc, partial(self._ask_fitting, answer))

    async def _ask_fitting(self, answer: AnswerInFlight) -> None:
        try:
            await self._attempts.ask_with_media(answer)
        except TooManyBytes as exc:
            if not await self._answer_half(answer, exc):
                await self._answer_shorter(answer, exc)
        except ContextTooLong as exc:
            await self._answer_shorter(answer, exc)
        except tuple(UNEXPLAINED) as exc:
            if await self._answer_newest(answer, exc):
                return
            if exc.status not in UNEXPLAINED[type(exc)] or not await self._answer_half(answer, exc):
                raise

    async def _answer_shorter(self, answer: AnswerInFlight, refusal: ContextTooLong) -> None:
        """Answer from less and less of the window; what is refused and what passes reveals the model's limit."""
        for _ in range(MOST_HALVINGS):
            view = await self._view(answer)
            await self._fitter.make_after_refusal(answer.chat.id)
            try:
                await self._attempts.ask_with_media(answer)
            except ContextTooLong as exc:
                refusal = exc
            else:
                if not isinstance(refusal, TooManyBytes) and (refusal.status or 0) < BROKEN[0]:
                    _learn_limit(view, view.sizes.total)
                return
        await self._fitter.leave_out(answer.chat.id)
        raise MessageTooLong(str(refusal)) from refusal

    async def _answer_newest(self, answer: AnswerInFlight, refusal: ModelError) -> bool:
        """Whether the newest message could be answered without the unanswered messages before it."""
        view = await self._view(answer)
        before = unanswered(view)
        if not before or isinstance(refusal, RateLimited) or not is_about_this(refusal):
            return False
        try:
            await self._attempts.ask(answer, Reduction.UNANSWERED)
            refused = await self._refusals.among(view, before, as_=type(refusal))
        except ContentRefused:
            raise
        except ModelError:
            return bool(answer.generation.text.strip() and answer.generation.finish)
        if refused:
            answer.left_out.append(texts.EARLIER_REFUSED)
            async with self._database.transaction() as tx:
                await self._transcript.leave_out(tx, answer.chat.id, refused)
        return True

    async def _answer_half(self, answer: AnswerInFlight, refusal: ModelError) -> bool:
        """Whether the message could be answered with half of a long window."""
        view = await self._view(answer)
        window = view.policy.context_window
        if view.sizes.total < min(LONG_TOKENS, LONG_SHARE * window) or len(view.starts) < 2:
            return False
        try:
            await self._attempts.ask(answer, Reduction.HALF)
        except ContentRefused:
            raise
        except ModelError:
            raise refusal from None
        if refusal.model not in ("", view.model.name):  # a fallback refused, which says nothing about the model itself
            return True
        self._too_long.add(answer.chat.id)
        if refusal.status is not None and refusal.status < BROKEN[0] and not answer.sent_media:
            sizes = self._unexplained.setdefault(view.model.name, [])
            sizes.append(view.sizes.total)
            if len(sizes) >= ENOUGH:
                _learn_limit(view, min(sizes))
        return True

    async def _view(self, answer: AnswerInFlight) -> PromptWindow:
        return await self._windows.view(answer.chat.id, without=answer.pending.replaces)


def _learn_limit(view: PromptWindow, size: float) -> None:
    """Record that a prompt of this size was too long for the view's model, and a shorter one was not."""
    if view.policy.context_window > size:
        view.model.learn_limit(int(REFUSED_SHARE * size))
