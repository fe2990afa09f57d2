"""The messages of an answer's request, built again from its basis by the code that built them at the time.

Nobody's words were copied for this. What was edited or forgotten since is therefore as it is now, or gone, and the
digest that was stored with the answer tells whether the messages are those that were sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from enum import StrEnum
from math import inf

from bot.conversation import memory_text, prompt
from bot.conversation.prompt import PromptParts, PromptPiece
from bot.conversation.ranking import TextPart, render_part
from bot.conversation.recall import recalled_text
from bot.conversation.tokens import TokenCounter
from bot.conversation.window import media_part, render_edits
from bot.llm.interface import Message
from storage import Storage
from storage.bases import Basis
from storage.memories import NotesVersion
from storage.records import Chat, MediaKind, Turn

MOST_TURNS = 5_000
"""The most turns of a window that are read; no model's window holds more."""


class Fidelity(StrEnum):
    """How the messages compare with those that were sent."""

    EXACT = "exact"
    OTHER = "other"
    """Something is different: a setting, what the model refused, or what a later version of Keepsake builds."""
    CHANGED = "changed"
    """Something in them may have been edited or forgotten since."""
    UNKNOWN = "unknown"
    """An older version of Keepsake didn't record what it takes to tell."""


@dataclass(frozen=True, slots=True)
class PastPrompt:
    """The messages of an answer's request, in pieces."""

    parts: PromptParts
    messages: tuple[tuple[str, tuple[PromptPiece, ...]], ...]
    """Roles, and the pieces of each message."""
    notes: NotesVersion | None
    fidelity: Fidelity


class PastPrompts:
    """Builds prompts again. `system_prompt` is for answers that have no record of theirs."""

    def __init__(self, storage: Storage, system_prompt: str, count_tokens: TokenCounter, zone: tzinfo) -> None:
        self._memories, self._history, self._media = storage.memories, storage.history, storage.media
        self._system_prompt = system_prompt
        self._count_tokens = count_tokens
        self._zone = zone

    async def of(self, chat: Chat, reply_id: int, basis: Basis) -> PastPrompt:
        """The messages that an answer of this chat was asked for with."""
        notes = await self._memories.version(chat, basis.notes_id) if basis.notes_id else None
        parts = PromptParts(
            system=basis.sent.system if basis.sent else chat.settings.persona or self._system_prompt,
            memory=notes.text if notes else "",
            turns=await self._window(chat, reply_id, basis),
            covers=memory_text.describe_spans(notes.covers, self._zone) if notes else "",
            edited=await self._edited(chat, basis),
            recalled=await self._recalled(chat, basis),
        )
        laid_out = tuple((role, tuple(pieces)) for role, pieces in prompt.lay_out(parts))
        return PastPrompt(parts, laid_out, notes, _fidelity(basis, parts))

    async def messages(self, past: PastPrompt) -> tuple[Message, ...]:
        """The messages with their pictures and sounds."""
        media = [medium for turn in past.parts.turns for medium in turn.media]
        contents = await self._media.contents({medium.hash for medium in media}) if media else {}
        found = {medium.hash: media_part(medium, contents[medium.hash]) for medium in media if medium.hash in contents}
        return prompt.assemble(past.parts, found)

    async def _window(self, chat: Chat, reply_id: int, basis: Basis) -> tuple[Turn, ...]:
        last_turn = basis.sent.last_turn if basis.sent else basis.question_id
        if basis.first_turn is None or last_turn is None:
            return ()
        turns = await self._memories.past_window(chat.id, basis.first_turn, last_turn, reply_id, MOST_TURNS)
        if basis.sent is None:
            return turns
        most = {MediaKind.IMAGE: basis.sent.images, MediaKind.AUDIO: basis.sent.sounds}
        return tuple(reversed([_with_newest_media(turn, most) for turn in reversed(turns)]))

    async def _edited(self, chat: Chat, basis: Basis) -> str:
        order = await self._memories.by_edit([found.turn_id for found in basis.found if found.edited])
        turns = {turn.turn_id: turn for turn in await self._history.of_ids(chat.id, order)} if order else {}
        known = [turns[turn_id] for turn_id in order if turn_id in turns]
        return render_edits(known, inf, self._count_tokens, self._zone).text

    async def _recalled(self, chat: Chat, basis: Basis) -> str:
        parts = {
            found.turn_id: TextPart(*found.part) if found.part else None
            for found in basis.found
            if found.shown and found.searched and not found.looked_up
        }
        turns = await self._history.of_ids(chat.id, parts) if parts else []
        lines = {turn.turn_id: render_part(turn, parts[turn.turn_id]) for turn in turns}
        return recalled_text(turns, lines, self._zone) if turns else ""


def _with_newest_media(turn: Turn, most: dict[MediaKind, int]) -> Turn:
    """The turn with as many of its media as there is room for in `most`, which is then less."""
    kept = []
    for medium in reversed(turn.media):
        if not medium.refused and most[medium.kind] > 0:
            most[medium.kind] -= 1
            kept.append(medium)
    return replace(turn, media=tuple(reversed(kept)))


def _fidelity(basis: Basis, parts: PromptParts) -> Fidelity:
    if basis.sent is None:
        return Fidelity.UNKNOWN
    if basis.sent.digest is None:
        return Fidelity.CHANGED
    same = prompt.digest(prompt.assemble(parts), _hashes(parts.turns)) == basis.sent.digest
    return Fidelity.EXACT if same else Fidelity.OTHER


def _hashes(turns: Sequence[Turn]) -> list[str]:
    return [medium.hash for turn in turns for medium in turn.media]
