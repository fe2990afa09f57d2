"""One try for an answer: the model is asked, and asked again without what it can't look at or listen to."""

from dataclasses import dataclass, field

from bot.conversation.draft import Draft
from bot.conversation.request import Less, Request, Requests
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
from storage import complete
from storage.records import Chat, File
from storage.transcript import Owed

MOST_REFUSALS = 8
"""Requests for one answer when pictures or sounds are refused: fewer, the newest ones, all of them, then the sounds."""
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

    @property
    def has_media(self) -> bool:
        """Whether pictures or sounds were sent."""
        return self.request is not None and any(message.parts for message in self.request.messages)


@dataclass(frozen=True, slots=True)
class Tries:
    """Makes them."""

    requests: Requests

    async def sensed(self, chat: Chat, owed: Owed, answer: Answer, less: Less = Less.NOTHING) -> None:
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
                await self.ask(chat, owed, answer, less)
            except (CannotSee, CannotHear, TooManyImages) as exc:
                if not answer.has_media:
                    raise RequestRefused(str(exc)) from exc
                answer.unsensed = exc
            except (ImageRefused, MediaRefused, RequestRefused, TooManyBytes, NoPermission, ServerTrouble) as exc:
                if not is_about_this(exc) or (isinstance(exc, NoPermission | ServerTrouble) and not answer.has_media):
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

    async def ask(self, chat: Chat, owed: Owed, answer: Answer, less: Less) -> None:
        """Ask once. Raises a ModelError."""
        async with self.requests.windows.budget.request():
            answer.request = request = await self.requests.prepare(chat, without=owed.replaces, less=less)
            await answer.draft.write(request.model, request.messages, request.options(chat))


def is_about_this(exc: ModelError) -> bool:
    """Whether it may be what was sent that the server refuses, and not that it has trouble of its own."""
    return not isinstance(exc, ServerTrouble) or exc.status in BROKEN


def _as_request(exc: ModelError) -> RequestRefused:
    changed = RequestRefused(*exc.args)
    changed.__dict__.update(exc.__dict__)
    return changed
