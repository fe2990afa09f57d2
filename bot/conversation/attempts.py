"""Asking the model, and asking again with less when it refuses: no message leaves a chat without answers for good.

What is tried, in this order, and only as far as it needs to be:

- Pictures and sounds that are refused: without those of the newest message, without all. What helped is not sent again.
- Too long, in the server's words: the window is brought to half, and the newest message left out if that is too long.
- Refused in words that nobody understands: without what was said since the last answer, since all before that has
  passed; which of it is refused is searched for, and left out of later prompts.
- If that doesn't help, on a long window: once with half of it. If that helps it was too long, and the window is brought
  to half before the next question; if it doesn't, all stays as it was.
- Refused by a content filter: without what was recalled; without the newest pictures; the newest message alone. Where
  that is refused too, it is the newest message; else it is something before it, which is searched for by halves. What
  is found is left out of later prompts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.conversation.culprits import Culprits
from bot.conversation.draft import Draft
from bot.conversation.request import Less, Request, Requests, newest, unanswered
from bot.conversation.room import Room
from bot.conversation.windows import View
from bot.errors import (
    CannotHear,
    CannotSee,
    ContentRefused,
    ContextTooLong,
    EmptyAnswer,
    ImageRefused,
    MediaRefused,
    MessageRefused,
    MessageTooLong,
    ModelError,
    NoPermission,
    RateLimited,
    RequestRefused,
    ServerTrouble,
    TooManyBytes,
    TooManyImages,
)
from bot.language import sentence, texts
from bot.llm.interface import Finish
from storage import complete
from storage.records import Chat, File, Notice, Turn
from storage.transcript import Owed

MOST_REFUSALS = 8
"""Requests for one answer when pictures or sounds are refused: fewer, the newest ones, all of them, then the sounds."""
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
BROKEN = (500, 501, 502)
"""Statuses of a server that may have broken over what it was sent; by others it says that it is busy or down."""


@dataclass(slots=True)
class Answer:
    """What the model says, and what it was asked."""

    draft: Draft
    user_id: int | None = None
    """Who asked."""
    request: Request | None = None
    unsensed: ModelError | None = None
    """Why a picture or a sound was left out."""
    left_out: list[str] = field(default_factory=list)
    """What the user is told of that was left out besides."""
    voice: File | None = None
    """What the model spoke, as a voice message."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Fills answers. `halved`: chats whose window was too long, as half of it has shown.

    `unexplained`: the sizes of windows that a model refused without a reason, and half of which it took.
    """

    requests: Requests
    room: Room
    culprits: Culprits
    halved: set[int] = field(default_factory=set)
    unexplained: dict[str, list[float]] = field(default_factory=dict)

    async def write(self, chat: Chat, owed: Owed, answer: Answer) -> None:
        """Have the model answer. Raises a ModelError when there is no answer."""
        if chat.id in self.halved:
            self.halved.discard(chat.id)
            await self.room.make_after_refusal(chat.id)
        await self.room.make(chat.id)
        try:
            await self._fitting(chat, owed, answer)
        except ContentRefused as exc:
            if answer.draft.text.strip():  # the filter ended the answer; the question it has let pass
                answer.draft.finish = Finish.FILTER
                return
            await self._unrefused(chat, owed, answer, exc)

    async def _fitting(self, chat: Chat, owed: Owed, answer: Answer) -> None:
        try:
            await self._sensed(chat, owed, answer)
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

    async def _shorter(self, chat: Chat, owed: Owed, answer: Answer, refusal: ContextTooLong) -> None:
        """Answer from less and less of the window; what is refused and what passes tells the model's own."""
        for _ in range(MOST_HALVINGS):
            view = await self.requests.windows.view(chat.id, without=owed.replaces)
            await self.room.make_after_refusal(chat.id)
            try:
                await self._sensed(chat, owed, answer)
            except ContextTooLong as exc:
                refusal = exc
            else:
                if not isinstance(refusal, TooManyBytes) and (refusal.status or 0) < BROKEN[0]:
                    self._learn_limit(view)
                return
        await self.room.leave_out(chat.id)
        raise MessageTooLong(str(refusal)) from refusal

    def _learn_limit(self, view: View, size: float | None = None) -> None:
        """A prompt of this size (None: the view's own) was too long, and a shorter one was not."""
        size = size or view.sizes.total
        if view.policy.context_window > size:
            view.model.learn_limit(int(REFUSED_SHARE * size))

    async def _without_unanswered(self, chat: Chat, owed: Owed, answer: Answer, refusal: ModelError) -> bool:
        """Whether the newest message was answered without what was said before it and never answered."""
        view = await self.requests.windows.view(chat.id, without=owed.replaces)
        before = unanswered(view)
        if not before or isinstance(refusal, RateLimited) or not _is_about_this(refusal):
            return False
        try:
            await self._ask(chat, owed, answer, Less.UNANSWERED)
            refused = await self.culprits.among(view, before, as_=type(refusal))
        except ContentRefused:
            raise
        except ModelError:
            return bool(answer.draft.text.strip() and answer.draft.finish)
        if refused:
            answer.left_out.append(texts.EARLIER_REFUSED)
            async with self.requests.windows.storage.transaction() as tx:
                await self.requests.windows.storage.transcript.leave_out(tx, chat.id, refused)
        return True

    async def _with_half(self, chat: Chat, owed: Owed, answer: Answer, refusal: ModelError) -> bool:
        """Whether half of a long window was answered."""
        view = await self.requests.windows.view(chat.id, without=owed.replaces)
        window = view.policy.context_window
        if view.sizes.total < min(LONG_TOKENS, LONG_SHARE * window) or len(view.starts) < 2:
            return False
        try:
            await self._ask(chat, owed, answer, Less.HALF)
        except ContentRefused:
            raise
        except ModelError:
            raise refusal from None
        self.halved.add(chat.id)
        if refusal.status is not None and refusal.status < BROKEN[0] and not _has_media(answer):
            sizes = self.unexplained.setdefault(view.model.name, [])
            sizes.append(view.sizes.total)
            if len(sizes) >= ENOUGH:
                self._learn_limit(view, min(sizes))
        return True

    async def _sensed(self, chat: Chat, owed: Owed, answer: Answer, less: Less = Less.NOTHING) -> None:
        """Ask, and ask again without what the model refuses to look at or listen to."""
        left_out: list[int] = []
        try:
            await self._without_refused(chat, owed, answer, less, left_out)
        except BaseException:
            if left_out and not (answer.draft.text or answer.draft.reasoning):  # nothing says that it was them
                await complete(self.requests.take_back(left_out))
            raise

    async def _without_refused(self, chat: Chat, owed: Owed, answer: Answer, less: Less, left_out: list[int]) -> None:
        for _ in range(MOST_REFUSALS):
            try:
                await self._ask(chat, owed, answer, less)
            except (CannotSee, CannotHear, TooManyImages) as exc:
                if not _has_media(answer):
                    raise RequestRefused(str(exc)) from exc
                answer.unsensed = exc
            except (ImageRefused, MediaRefused, RequestRefused, TooManyBytes, NoPermission, ServerTrouble) as exc:
                if not _is_about_this(exc) or (
                    isinstance(exc, NoPermission | ServerTrouble) and not _has_media(answer)
                ):
                    raise
                more = await self.requests.leave_out_media(chat.id)
                if not more:
                    if isinstance(exc, ImageRefused | MediaRefused):  # there is none: it speaks of something else
                        raise _as_request(exc) from exc
                    raise
                left_out += more
                answer.unsensed = exc if isinstance(exc, ImageRefused) else MediaRefused(str(exc))
            else:
                return
        raise answer.unsensed or EmptyAnswer("refused")

    async def _ask(self, chat: Chat, owed: Owed, answer: Answer, less: Less) -> None:
        answer.request = request = await self.requests.prepare(chat, without=owed.replaces, less=less)
        await answer.draft.write(request.model, request.messages, request.options(chat))

    async def _unrefused(self, chat: Chat, owed: Owed, answer: Answer, refusal: ContentRefused) -> None:
        """Answer without what the content filter refuses. Raises MessageRefused when that is what the bot was asked."""
        recalled = answer.request is not None and not answer.request.lasting
        if (recalled or answer.draft.goes_on) and await self._passes(chat, owed, answer, Less.RECALLED):
            return
        if await self._passes_without_media(chat, owed, answer, refusal):
            return
        view = await self.requests.windows.view(chat.id, without=owed.replaces)
        asked = newest(view)
        before = [turn for turn in view.window.turns if turn not in asked]
        if (before or view.memory) and await self._passes(chat, owed, answer, Less.ALONE):
            answer.left_out.append(texts.EARLIER_REFUSED)
            await self.culprits.leave_out(view, before)
            return
        await self._leave_out_newest(chat, owed, answer, view, asked, refusal)

    async def _leave_out_newest(
        self, chat: Chat, owed: Owed, answer: Answer, view: View, asked: Sequence[Turn], refusal: ContentRefused
    ) -> None:
        refused = [turn.id for turn in asked]
        if len(asked) > 1 and (found := await self.culprits.among(view, asked)):
            refused = found
        error = MessageRefused(str(refusal))
        error.model, error.request_id, error.turn_ids = refusal.model, refusal.request_id, tuple(refused)
        if len(refused) == len(asked):
            raise error
        storage = self.requests.windows.storage
        async with storage.transaction() as tx:
            await storage.transcript.leave_out(tx, chat.id, refused, settled=True)
            await storage.notices.add(tx, Notice(chat.place, chat.private, sentence(error)))
        try:
            await self._fitting(chat, owed, answer)
        except ContentRefused as exc:
            error.turn_ids = tuple(turn.id for turn in asked)
            raise error from exc

    async def _passes(self, chat: Chat, owed: Owed, answer: Answer, less: Less) -> bool:
        try:
            await self._sensed(chat, owed, answer, less)
        except ContentRefused:
            if not answer.draft.text.strip():
                return False
            answer.draft.finish = Finish.FILTER
        return True

    async def _passes_without_media(self, chat: Chat, owed: Owed, answer: Answer, refusal: ContentRefused) -> bool:
        if not _has_media(answer):
            return False
        left_out, passes = await self.requests.leave_out_media(chat.id), False
        try:
            passes = await self._passes(chat, owed, answer, Less.RECALLED)
        finally:
            if not passes:
                await complete(self.requests.take_back(left_out))
        if passes:
            answer.unsensed = MediaRefused(str(refusal))
        return passes


def _is_about_this(exc: ModelError) -> bool:
    """Whether it may be what was sent that the server refuses, and not that it has trouble of its own."""
    return not isinstance(exc, ServerTrouble) or exc.status in BROKEN


def _has_media(answer: Answer) -> bool:
    return answer.request is not None and any(message.parts for message in answer.request.messages)


def _as_request(exc: ModelError) -> RequestRefused:
    changed = RequestRefused(*exc.args)
    changed.__dict__.update(exc.__dict__)
    return changed
