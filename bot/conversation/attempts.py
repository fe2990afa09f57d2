"""Asking the model, and asking again with less when it refuses: no message leaves a chat without answers for good.

What is tried, in this order, and only as far as it needs to be:

- Pictures and sounds that are refused: without those of the newest message, without all. What helped is not sent again.
- Too long, in the server's words: the window is brought to half, and the newest message left out if that is too long.
- Refused for no known reason: without the messages since the last answer, since all before them has passed. Which of
  them is refused is searched for, and left out of later prompts.
- If that doesn't help, on a long window: once with half of it. If that helps it was too long, and the window is brought
  to half before the next question; if it doesn't, all stays as it was.
- Refused by a content filter: without what the filter refuses (``filtered``).
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
from storage import Storage

MOST_HALVINGS = 4
"""How often a window is made shorter for one answer."""
REFUSED_SHARE = 0.95
"""Of a prompt that was too long, what the model is then taken to read: our count is off by a little."""
ENOUGH = 2
"""The model's window is known after this many unexplained refusals that half of the window has helped against."""
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
    """Has the model answer, with less and less of what it refuses."""

    def __init__(
        self,
        storage: Storage,
        windows: WindowReader,
        attempts: MediaAttempts,
        recovery: ContentFilterRecovery,
        refusals: RefusalSearch,
        fitter: WindowFitter,
    ) -> None:
        self._transaction = storage.transaction
        self._transcript = storage.transcript
        self._windows = windows
        self._attempts = attempts
        self._recovery = recovery
        self._refusals = refusals
        self._fitter = fitter
        self._too_long: set[int] = set()
        """Chats whose window was too long, as half of it has shown: halved before the next answer."""
        self._unexplained: dict[str, list[float]] = {}
        """By model: sizes of windows that it refused without a reason, and half of which it took."""

    async def write(self, answer: AnswerInFlight) -> None:
        """Have the model answer. Raises a ModelError when there is no answer."""
        chat_id = answer.chat.id
        if chat_id in self._too_long:
            self._too_long.discard(chat_id)
            await self._fitter.make_after_refusal(chat_id)
        fitted = await self._fitter.make(chat_id)
        answer.window = fitted if answer.pending.replaces is None else None
        try:
            await self._ask_fitting(answer)
        except ContentRefused as exc:
            if answer.generation.has_begun:  # the filter ended the answer; the question it has let pass
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
        """Answer from less and less of the window; what is refused and what passes shows the model's own limit."""
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
        """Whether the newest message was answered without what was said before it and never answered."""
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
            async with self._transaction() as tx:
                await self._transcript.leave_out(tx, answer.chat.id, refused)
        return True

    async def _answer_half(self, answer: AnswerInFlight, refusal: ModelError) -> bool:
        """Whether half of a long window was answered."""
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
        if refusal.model not in ("", view.model.name):  # a fallback's: of the model that was asked it says nothing
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
    """Teach the model of the view that a prompt of this size was too long, and a shorter one was not."""
    if view.policy.context_window > size:
        view.model.learn_limit(int(REFUSED_SHARE * size))
