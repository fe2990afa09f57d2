"""The basis of an answer, stored with it: ids and numbers, no text."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from math import inf, isfinite

from bot.conversation.model_selector import is_sent
from bot.conversation.prompt import digest
from bot.conversation.prompt_builder import PromptContents, Request, newest
from bot.conversation.recall import Recalled
from bot.pricing import Amount
from storage.bases import Basis, FoundTurn
from storage.records import MediaKind, Role, Usage
from storage.sent_prompts import SentPrompt
from storage.usage import ByModel

MOST_SHOWN = 200
"""The most older turns recorded per answer; more fit into a prompt only if they are very short."""
MOST_MISSED = 5
"""The most near misses recorded per answer."""


def basis_of(contents: PromptContents, model: str, used: ByModel, money: Amount | None) -> Basis:
    """The record of an answer by a model; `used` and `money` cover all its requests."""
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


def sent_prompt_of(request: Request, first_s: float | None, total_s: float) -> SentPrompt:
    """What it takes to build the request's messages again; times in seconds."""
    view, contents = request.contents.view, request.contents
    capabilities = view.model.capabilities
    media = [medium for turn in contents.turns for medium in turn.media if is_sent(medium, capabilities)]
    opening = request.messages[0] if request.messages else None
    low, high = view.thresholds.low, view.thresholds.high
    return SentPrompt(
        digest=digest(request.messages, [medium.hash for medium in media]),
        system=opening.content if opening is not None and opening.role == "system" else None,
        last_turn=contents.turns[-1].id if contents.turns else None,
        images=sum(medium.kind is MediaKind.IMAGE for medium in media),
        sounds=sum(medium.kind is MediaKind.AUDIO for medium in media),
        tools=tuple(tool.name for tool in view.tools),
        tokens=round(view.sizes.total),
        low=round(low) if isfinite(high) else None,
        high=round(high) if isfinite(high) else None,
        room=view.policy.context_window,
        first_s=first_s,
        total_s=total_s,
    )


def notes_of(contents: PromptContents) -> str:
    """The memory as it was in the prompt; "" for a model that takes one message only."""
    return "" if contents.view.model.single_turn else contents.view.memory


def _found(contents: PromptContents) -> Iterator[FoundTurn]:
    """The turns that were found, each once, those shown before the near misses."""
    sources = [(contents.recalled, False), *((look, True) for look in contents.looks)]
    shown: dict[int, FoundTurn] = {}
    missed: dict[int, FoundTurn] = {}
    for recalled, looked_up in sources:
        for turn_id in _best_first(recalled):
            shown.setdefault(turn_id, _found_turn(recalled, turn_id, shown=True, looked_up=looked_up))
        for turn_id in recalled.near_misses:
            missed.setdefault(turn_id, _found_turn(recalled, turn_id, shown=False, looked_up=looked_up))
    for turn_id in contents.edited:
        known = shown.get(turn_id) or FoundTurn(turn_id, shown=True, searched=False)
        shown[turn_id] = replace(known, edited=True)
    yield from islice(shown.values(), MOST_SHOWN)
    yield from islice((turn for turn in missed.values() if turn.turn_id not in shown), MOST_MISSED)


def _best_first(recalled: Recalled) -> list[int]:
    """Hits before their neighbours."""
    return sorted(recalled.turn_ids, key=lambda turn_id: recalled.ranks[turn_id].overall or inf)


def _found_turn(recalled: Recalled, turn_id: int, *, shown: bool, looked_up: bool) -> FoundTurn:
    ranks = recalled.ranks[turn_id]
    part = recalled.parts.get(turn_id)
    found = FoundTurn(turn_id, shown, looked_up, ranks.overall, ranks.words, ranks.meaning)
    return replace(found, part=(part.start, part.end)) if part else found
