"""One try for an answer: the model is asked, and asked again without what it can't look at or listen to.

What an answer was based on, as it is recorded with it: ids and numbers, and no words.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from math import inf

from bot.conversation.generation import Generation
from bot.conversation.prompt_builder import PromptBuilder, PromptContents, Reduction, Request, newest
from bot.conversation.recall import Recalled
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
from bot.pricing import Amount
from storage import complete
from storage.bases import Basis, FoundTurn
from storage.records import Chat, File, Role, Usage
from storage.transcript import PendingReply
from storage.usage import ByModel

MOST_REFUSALS = 8
"""Requests for one answer when pictures or sounds are refused: fewer, the newest ones, all of them, then the sounds."""
BROKEN = (500, 501, 502)
"""Statuses of a server that may have broken over what it was sent; by others it says that it is busy or down."""
MOST_SHOWN = 60
"""Older turns of an answer that are recorded: what fits into a prompt, unless they are very short ..."""
MOST_MISSED = 5
"""... and near misses."""


@dataclass(slots=True)
class Answer:
    """What the model says, and what it was asked."""

    draft: Generation
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
class MediaAttempts:
    """Makes them."""

    requests: PromptBuilder

    async def sensed(self, chat: Chat, owed: PendingReply, answer: Answer, less: Reduction = Reduction.NOTHING) -> None:
        """Ask, and ask again without what the model refuses to look at or listen to."""
        left_out: list[int] = []
        try:
            await self._without_refused(chat, owed, answer, less, left_out)
        except BaseException:
            if left_out and not (answer.draft.text or answer.draft.reasoning):  # nothing says that it was them
                await complete(self.requests.take_back(left_out))
            raise

    async def _without_refused(
        self, chat: Chat, owed: PendingReply, answer: Answer, less: Reduction, left_out: list[int]
    ) -> None:
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

    async def ask(self, chat: Chat, owed: PendingReply, answer: Answer, less: Reduction) -> None:
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


def basis_of(contents: PromptContents, model: str, used: ByModel, money: Amount | None) -> Basis:
    """The record of an answer by a model; `used` for all its requests, which cost this."""
    turns, asked = contents.turns, newest(contents.view)
    return Basis(
        question_id=asked[-1].id if asked and asked[-1].role is Role.USER else None,
        first_turn=turns[0].id if turns else None,
        turns=len(turns),
        notes_tokens=round(contents.view.sizes.memory) if notes_of(contents) else 0,
        model=model,
        usage=sum(used.values(), Usage(0, 0, 0)),
        price=money.number if money else None,
        currency=money.currency if money else None,
        found=tuple(_found(contents)),
    )


def notes_of(contents: PromptContents) -> str:
    """The notes that stood in the prompt."""
    return "" if contents.view.model.single_turn else contents.view.memory


def _found(contents: PromptContents) -> Iterator[FoundTurn]:
    """The turns that were found, each once: those that were shown before the near misses."""
    sources = [(contents.recalled, False), *((look, True) for look in contents.looks)]
    shown: dict[int, FoundTurn] = {}
    missed: dict[int, FoundTurn] = {}
    for recalled, looked_up in sources:
        for turn_id in _best_first(recalled):
            shown.setdefault(turn_id, _found_turn(recalled, turn_id, shown=True, looked_up=looked_up))
        for turn_id in recalled.near_misses:
            missed.setdefault(turn_id, _found_turn(recalled, turn_id, shown=False, looked_up=looked_up))
    for turn_id in contents.edited:
        shown.setdefault(turn_id, FoundTurn(turn_id, shown=True))
    yield from islice(shown.values(), MOST_SHOWN)
    yield from islice((one for one in missed.values() if one.turn_id not in shown), MOST_MISSED)


def _best_first(recalled: Recalled) -> list[int]:
    """Those that were found before those that stand beside them."""
    return sorted(recalled.turn_ids, key=lambda turn_id: recalled.ranks[turn_id].overall or inf)


def _found_turn(recalled: Recalled, turn_id: int, *, shown: bool, looked_up: bool) -> FoundTurn:
    ranks = recalled.ranks[turn_id]
    return FoundTurn(turn_id, shown, looked_up, ranks.overall, ranks.words, ranks.meaning)
