"""Asking the model, and asking again with less when it refuses: no message leaves a chat without answers for good.

What is tried, in this order, and only as far as it needs to be:

- Pictures and sounds that are refused: without those of the newest message, without all. What helped is not sent again.
- Too long, in the server's words: the window is brought to half, and the newest message left out if that is too long.
- Refused in words that nobody understands: without what was said since the last answer, since all before that has
  passed; which of it is refused is searched for, and left out of later prompts.
- If that doesn't help, on a long window: once with half of it. If that helps it was too long, and the window is brought
  to half before the next question; if it doesn't, all stays as it was.
- Refused by a content filter: without what the filter refuses (``filtered``).
"""

from dataclasses import dataclass, field
from functools import partial

from bot.conversation.answer import BROKEN, Answer, MediaAttempts, is_about_this
from bot.conversation.content_filter import ContentFilterRecovery
from bot.conversation.prompt_builder import Reduction, unanswered
from bot.conversation.window import PromptWindow
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
from storage.records import Chat
from storage.transcript import PendingReply

MOST_HALVINGS = 4
"""How often a window is made shorter for one answer."""
REFUSED_SHARE = 0.95
"""Of a prompt that was too long, what the model is then taken to read: our count is off by a little."""
ENOUGH = 2
"""So many refusals without a reason, each of which half of the window helped, tell the model's window."""
LONG_TOKENS = 1500
LONG_SHARE = 0.5
"""A window of so many tokens, or of this share of the model's, may be what an unexplained refusal is about."""
UNEXPLAINED: dict[type[ModelError], tuple[int, ...]] = {
    RequestRefused: (400, 422),
    ServerTrouble: (500,),
    RateLimited: (413,),  # Groq: more tokens at once than the account may send in a minute
    NoPermission: (),
}
"""Refusals, with these statuses, that the length of the prompt may be behind."""


@dataclass(frozen=True, slots=True)
class AnswerAttempts:
    """Fills answers. `halved`: chats whose window was too long, as half of it has shown.

    `unexplained`: the sizes of windows that a model refused without a reason, and half of which it took.
    """

    tries: MediaAttempts
    filtered: ContentFilterRecovery
    halved: set[int] = field(default_factory=set)
    unexplained: dict[str, list[float]] = field(default_factory=dict)

    async def write(self, chat: Chat, owed: PendingReply, answer: Answer) -> None:
        """Have the model answer. Raises a ModelError when there is no answer."""
        if chat.id in self.halved:
            self.halved.discard(chat.id)
            await self.filtered.room.make_after_refusal(chat.id)
        await self.filtered.room.make(chat.id)
        try:
            await self._fitting(chat, owed, answer)
        except ContentRefused as exc:
            if answer.draft.has_begun:  # the filter ended the answer; the question it has let pass
                answer.draft.end_by_filter()
                return
            await self.filtered.answer(chat, owed, answer, exc, partial(self._fitting, chat, owed, answer))

    async def _fitting(self, chat: Chat, owed: PendingReply, answer: Answer) -> None:
        try:
            await self.tries.sensed(chat, owed, answer)
        except TooManyBytes as exc:
            if not await self._with_half(chat, owed, answer, exc):
                await self._shorter(chat, owed, answer, exc)
        except ContextTooLong as exc:
            await self._shorter(chat, owed, answer, exc)
        except tuple(UNEXPLAINED) as exc:
            if await self._without_unanswered(chat, owed, answer, exc):
                return
            if exc.status not in UNEXPLAINED[type(exc)] or not await self._with_half(chat, owed, answer, exc):
                raise

    async def _shorter(self, chat: Chat, owed: PendingReply, answer: Answer, refusal: ContextTooLong) -> None:
        """Answer from less and less of the window; what is refused and what passes tells the model's own."""
        for _ in range(MOST_HALVINGS):
            view = await self.tries.requests.windows.view(chat.id, without=owed.replaces)
            await self.filtered.room.make_after_refusal(chat.id)
            try:
                await self.tries.sensed(chat, owed, answer)
            except ContextTooLong as exc:
                refusal = exc
            else:
                if not isinstance(refusal, TooManyBytes) and (refusal.status or 0) < BROKEN[0]:
                    self._learn_limit(view)
                return
        await self.filtered.room.leave_out(chat.id)
        raise MessageTooLong(str(refusal)) from refusal

    def _learn_limit(self, view: PromptWindow, size: float | None = None) -> None:
        """A prompt of this size (None: the view's own) was too long, and a shorter one was not."""
        size = size or view.sizes.total
        if view.policy.context_window > size:
            view.model.learn_limit(int(REFUSED_SHARE * size))

    async def _without_unanswered(self, chat: Chat, owed: PendingReply, answer: Answer, refusal: ModelError) -> bool:
        """Whether the newest message was answered without what was said before it and never answered."""
        view = await self.tries.requests.windows.view(chat.id, without=owed.replaces)
        before = unanswered(view)
        if not before or isinstance(refusal, RateLimited) or not is_about_this(refusal):
            return False
        try:
            await self.tries.ask(chat, owed, answer, Reduction.UNANSWERED)
            refused = await self.filtered.culprits.among(view, before, as_=type(refusal))
        except ContentRefused:
            raise
        except ModelError:
            return bool(answer.draft.text.strip() and answer.draft.finish)
        if refused:
            answer.left_out.append(texts.EARLIER_REFUSED)
            async with self.tries.requests.windows.storage.transaction() as tx:
                await self.tries.requests.windows.storage.transcript.leave_out(tx, chat.id, refused)
        return True

    async def _with_half(self, chat: Chat, owed: PendingReply, answer: Answer, refusal: ModelError) -> bool:
        """Whether half of a long window was answered."""
        view = await self.tries.requests.windows.view(chat.id, without=owed.replaces)
        window = view.policy.context_window
        if view.sizes.total < min(LONG_TOKENS, LONG_SHARE * window) or len(view.starts) < 2:
            return False
        try:
            await self.tries.ask(chat, owed, answer, Reduction.HALF)
        except ContentRefused:
            raise
        except ModelError:
            raise refusal from None
        if refusal.model not in ("", view.model.name):  # a fallback's: of the model that was asked it says nothing
            return True
        self.halved.add(chat.id)
        if refusal.status is not None and refusal.status < BROKEN[0] and not answer.has_media:
            sizes = self.unexplained.setdefault(view.model.name, [])
            sizes.append(view.sizes.total)
            if len(sizes) >= ENOUGH:
                self._learn_limit(view, min(sizes))
        return True
