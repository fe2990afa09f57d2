"""What is known of one answer: the array that was sent, what of it was cached, the notes, and what recall found."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from bot.conversation.past_prompt import PastPrompt, PastPrompts
from bot.conversation.prompt import RECALL, REMEMBER, tool_tokens
from bot.conversation.tokens import TokenCounter
from bot.inspector.cached_share import ShownPrompt, show_cached
from storage import Storage
from storage.bases import Basis, FoundTurn
from storage.insights import AnswerLine, Insights
from storage.memories import NotesVersion
from storage.records import Chat, HistoryTurn, Role

MOST_COMPARED = 300
"""Lines of notes that are compared: the time grows with the square. Notes have some forty."""
TOOLS = {tool.name: tool for tool in (RECALL, REMEMBER)}


@dataclass(frozen=True, slots=True)
class RecalledTurn:
    """An older turn that was found for an answer, as it is now."""

    turn: HistoryTurn
    found: FoundTurn


@dataclass(frozen=True, slots=True)
class AnswerDetail:
    """One answer."""

    line: AnswerLine
    text: str
    basis: Basis
    past: PastPrompt
    shown: ShownPrompt
    found: tuple[RecalledTurn, ...]
    notes_before: NotesVersion | None
    """The version of the notes before the one in its prompt."""
    compacted: bool
    """Whether the window lost its oldest turns since the answer before."""


class AnswerReader:
    """Reads answers."""

    def __init__(self, storage: Storage, prompts: PastPrompts, count_tokens: TokenCounter) -> None:
        self._history, self._memories, self._bases = storage.history, storage.memories, storage.bases
        self._prompts = prompts
        self._count_tokens = count_tokens
        self._insights = Insights(storage.database)

    async def answer_with(self, chat: Chat, message_id: int) -> int | None:
        """The answer that a Telegram message belongs to, or that it was given."""
        turn = await self._history.of_message(chat.id, message_id)
        if turn is None or turn.turn_id <= chat.reset_turn:
            return None
        return turn.turn_id if turn.role is Role.ASSISTANT else await self._insights.answer_after(chat, turn.turn_id)

    async def detail(self, chat: Chat, reply_id: int) -> AnswerDetail | None:
        """All about an answer; None if its record is gone."""
        line, basis = await self._insights.answer(chat, reply_id), await self._bases.of(chat, reply_id)
        if line is None or basis is None:
            return None
        past = await self._prompts.of(chat, reply_id, basis)
        offered = [TOOLS[name] for name in basis.sent.tools if name in TOOLS] if basis.sent else []
        before = await self._insights.answers(chat, last=reply_id - 1, limit=1)
        (answer,) = await self._history.of_ids(chat.id, [reply_id])
        return AnswerDetail(
            line=line,
            text=answer.content,
            basis=basis,
            past=past,
            shown=show_cached(past.messages, line.own, self._count_tokens, tool_tokens(offered, self._count_tokens)),
            found=await self._found(chat, basis),
            notes_before=await self._notes_before(chat, past.notes),
            compacted=bool(before) and is_compacted(before[0], line),
        )

    async def _found(self, chat: Chat, basis: Basis) -> tuple[RecalledTurn, ...]:
        turns = await self._history.of_ids(chat.id, [found.turn_id for found in basis.found]) if basis.found else []
        known = {turn.turn_id: turn for turn in turns}
        return tuple(RecalledTurn(known[one.turn_id], one) for one in basis.found if one.turn_id in known)

    async def _notes_before(self, chat: Chat, notes: NotesVersion | None) -> NotesVersion | None:
        found = await self._memories.versions_before(chat, notes.id) if notes else []
        return found[0] if found else None


def is_compacted(before: AnswerLine, after: AnswerLine) -> bool:
    """Whether the window of the second answer begins later than that of the first."""
    return (before.first_turn or 0) < (after.first_turn or 0)


def notes_diff(before: str, after: str) -> Sequence[tuple[str, str]]:
    """The lines of both, each with "-" (gone), "+" (new) or " "."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > MOST_COMPARED:
        return [*(("-", line) for line in old), *(("+", line) for line in new)]
    compared = difflib.Differ().compare(old, new)
    return [(line[0], line[2:]) for line in compared if line[0] != "?"]
