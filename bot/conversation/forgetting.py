"""Forgetting for good what a person names: found, shown, and deleted once they confirm it.

What is deleted is in no later prompt, no index, no memory and no stored update. A compaction that runs meanwhile is
void: it was made of what is gone.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.conversation.asking import plain
from bot.conversation.indexing import Indexer
from bot.conversation.keys import all_terms, terms
from bot.conversation.recall import Recall
from bot.conversation.said import QUOTE_LENGTH
from bot.conversation.windows import Windows
from storage import Storage, Transaction
from storage.forgettings import Proposal
from storage.records import Chat, Role, Spoken

MOST_TURNS = 200
"""Turns that one request for words may find: more are not what somebody means by a few words."""
SHARED_WORDS = 0.5
"""A line of the memory tells of a message when it shares this much of its words with it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What would be forgotten."""

    turns: tuple[Spoken, ...]
    lines: tuple[str, ...]
    words: str = ""
    of_message: bool = False
    """Whether these are the words of a message, and not some that a person looks for."""

    def __bool__(self) -> bool:
        return bool(self.turns or self.lines)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Finds and deletes; `clock` gives Unix seconds."""

    storage: Storage
    recall: Recall
    indexer: Indexer
    windows: Windows
    clock: Callable[[], float]

    async def by_words(self, chat: Chat, words: str) -> Found:
        """The turns and the lines of the memory that hold all of these words, in any inflection."""
        await self.indexer.catch_up(chat.id)
        ids = await self.recall.search(chat, words, after_turn=chat.reset_turn, limit=MOST_TURNS, every_word=True)
        turns = await self.storage.past.of_ids(chat.id, ids)
        return Found(tuple(turns), await self._lines(chat, words, of_message=False), words)

    async def by_message(self, chat: Chat, message_id: int) -> Found:
        """The turn of this message, the answer to it, what quotes it, and the lines of the memory that tell of it."""
        turn = await self.storage.past.of_message(chat.id, message_id)
        if turn is None or turn.turn_id <= chat.reset_turn:
            return Found((), ())
        await self.indexer.catch_up(chat.id)
        last = 2**63 - 1
        near = await self.storage.past.around(chat.id, [turn.turn_id], after_turn=turn.turn_id, before_turn=last)
        answers = [row.turn_id for row in near if row.role is Role.ASSISTANT and turn.role is Role.USER]
        said = plain(turn.content)
        similar = await self.recall.search(chat, said, after_turn=chat.reset_turn, limit=MOST_TURNS, every_word=True)
        quoting = [
            row.turn_id
            for row in await self.storage.past.of_ids(chat.id, similar)
            if _has_words(said) and _flat(said)[:QUOTE_LENGTH] in _quotes(plain(row.content))
        ]
        turns = await self.storage.past.of_ids(chat.id, {turn.turn_id, *answers, *quoting})
        return Found(tuple(turns), await self._lines(chat, said, of_message=True), said, of_message=True)

    async def propose(self, tx: Transaction, chat: Chat, found: Found) -> int:
        """Keep what was found until the person has answered; returns the proposal's id."""
        turn_ids = tuple(turn.turn_id for turn in found.turns)
        proposal = Proposal(turn_ids, found.lines, found.words, found.of_message)
        return await self.storage.forgettings.propose(tx, chat.id, proposal, self.clock())

    async def carry_out(self, tx: Transaction, chat: Chat, proposal_id: int) -> Proposal | None:
        """Forget what was proposed; None when that was answered before."""
        proposal = await self.storage.forgettings.take(tx, chat.id, proposal_id)
        if proposal is None:
            return None
        await self.storage.chats.take_back(tx, chat.id)
        await self.storage.forgettings.delete_turns(tx, chat.id, proposal.turn_ids)
        await self.indexer.forgotten(tx, chat.id, proposal.turn_ids)
        await self._take_out_of_notes(tx, chat, proposal)
        await self.storage.forgettings.drop_like(tx, chat.id, proposal)
        await self.storage.inbox.forget(tx, chat.place.telegram_id)
        return proposal

    async def _take_out_of_notes(self, tx: Transaction, chat: Chat, proposal: Proposal) -> None:
        """Out of all their versions; since it was shown a compaction may have told the same in other lines."""
        lines, words = {*proposal.lines}, _words(proposal.words)

        def is_gone(line: str) -> bool:
            told = _tells(line, proposal.words) if proposal.of_message else _holds(line, words)
            return line in lines or told

        await self.storage.memories.take_out(tx, chat.id, is_gone, self.windows.memory_tokens)

    async def erase(self) -> None:
        """Overwrite on the disk what was forgotten: in the index's old parts, and in the database's log."""
        await self.indexer.renew()
        await self.indexer.merge()
        await self.storage.database.scrub()

    async def _lines(self, chat: Chat, words: str, *, of_message: bool) -> tuple[str, ...]:
        """The lines of the memory that hold these words, or tell of a message with them."""
        memory = await self.storage.memories.current(chat)
        lines = [line for line in memory.text.splitlines() if line.strip()] if memory else []
        if of_message:
            return tuple(line for line in lines if _tells(line, words))
        return tuple(line for line in lines if _holds(line, _words(words)))


def _flat(text: str) -> str:
    """On one line, without the marks of a quote."""
    return " ".join(re.sub(r"^> ", "", text, flags=re.MULTILINE).split())


def _quotes(content: str) -> str:
    """What a turn quotes, on one line."""
    return _flat("\n".join(line for line in content.splitlines() if line.startswith("> ")))


def _has_words(said: str) -> bool:
    """Whether there is more in it than our own notes, such as [photo], behind a name."""
    return bool(re.sub(r"^(?:[^:\n]{1,60}: )?(?:\s*\[[^\]\n]*\])*", "", said).strip())


def _words(text: str) -> list[str]:
    return [_folded(word) for word in terms(text) or all_terms(text)]


def _folded(text: str) -> str:
    """Without case and accents, as the index compares."""
    return "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))


def _holds(line: str, words: Sequence[str]) -> bool:
    folded = _folded(line)
    return bool(words) and all(_root(word) in folded for word in words)


def _tells(line: str, said: str) -> bool:
    theirs, ours = _words(line), _folded(said)
    if line.startswith("#") or not theirs:
        return False
    return sum(_root(word) in ours for word in theirs) >= SHARED_WORDS * len(theirs)


def _root(word: str) -> str:
    """A word without its inflection, roughly; what it matches too much is shown before it is forgotten."""
    return word if len(word) < 5 else word[: max(4, len(word) - 2)]
