"""Forgetting for good what a person names: found, shown, and deleted once they confirm it.

What is deleted is in no later prompt, no index, no memory and no stored update. A compaction that runs meanwhile is
void: it was made of what is gone.

What was forgotten is deleted in the background, some turns at a time, so that no chat waits for it.

It was out of every prompt, search and export when that was confirmed. A process that is killed goes on after its start.
"""

import asyncio
import logging
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from bot.conversation.incoming_message import QUOTE_LENGTH
from bot.conversation.indexing import Indexer
from bot.conversation.matching import Matcher, languages_in, matcher, says_nothing
from bot.conversation.memory_loss import sharing_codes, telling_of
from bot.conversation.query import plain, spoken
from bot.conversation.search_terms import all_terms, terms
from bot.conversation.window import WindowReader
from storage import Storage, StorageError, Transaction
from storage.records import Chat, HistoryTurn, Role, Turn
from storage.resets import Proposal, RemainingTurns

PAGE = 2_000
"""Turns that are read and compared at a time."""
FEW = 200
"""Turns that tell a conversation's languages where others wait to write."""
LONG_TOKENS = 300
"""A longer turn has half of the words of many lines that do not tell of it."""
MOST_COMPARED = 20_000
"""Tokens of a window that lines of notes are compared with."""
SHARED_WORDS = 0.5
"""A line of the memory tells of a message when it shares this much of its words with it."""
BATCH = 50
"""Turns that are deleted in one transaction: other writers wait for it, some ten milliseconds."""
AGAIN_AFTER_S = 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ForgetPreview:
    """What would be forgotten."""

    turn_ids: tuple[int, ...]
    lines: tuple[str, ...]
    words: str = ""
    of_message: bool = False
    """Whether these are the words of a message, and not some that a person looks for."""

    def __bool__(self) -> bool:
        return bool(self.turn_ids or self.lines)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Finds and deletes; `clock` gives Unix seconds."""

    storage: Storage
    windows: WindowReader
    clock: Callable[[], float]

    async def by_words(self, chat: Chat, words: str) -> ForgetPreview:
        """All turns and lines of the memory that hold all of these words, in any inflection.

        Where none does, those that hold all but the small words of the language. What the notes tell of these turns in
        other words belongs to it.
        """
        for wanted in await self._matchers(chat, words):
            turns = await self._matching(chat, partial(_holds, wanted))
            lines = await self._lines(chat, wanted.holds)
            if turns or lines:
                told = await self._told(chat, turns)
                return ForgetPreview(turns, (*lines, *(line for line in told if line not in lines)), words)
        return ForgetPreview((), ())

    async def by_message(self, chat: Chat, message_id: int) -> ForgetPreview:
        """The turn of this message, the answer to it, what quotes it, and the lines of the memory that tell of it."""
        turn = await self.storage.past.of_message(chat.id, message_id)
        if turn is None or turn.turn_id <= chat.reset_turn:
            return ForgetPreview((), ())
        answer = await self.storage.past.answer_to(chat.id, turn.turn_id) if turn.role is Role.USER else None
        said = plain(turn.content)
        quote = _flat(said)[:QUOTE_LENGTH]
        quoting = await self._matching(chat, partial(_has_quote, quote)) if _has_words(said) else ()
        turn_ids = tuple(sorted({turn.turn_id, *quoting} | ({answer} if answer else set())))
        lines = await self._lines(chat, partial(_tells, said=said))
        told = await self._told(chat, turn_ids)
        return ForgetPreview(turn_ids, (*lines, *(line for line in told if line not in lines)), said, of_message=True)

    async def shown(self, chat: Chat, found: ForgetPreview | Proposal, first: int, count: int) -> list[HistoryTurn]:
        """Some of the turns that were found, from one place on."""
        return await self.storage.past.of_ids(chat.id, found.turn_ids[first : first + count])

    async def propose(self, tx: Transaction, chat: Chat, found: ForgetPreview) -> int:
        """Keep what was found until the person has answered; returns the proposal's id."""
        proposal = Proposal(found.turn_ids, found.lines, found.words, found.of_message)
        return await self.storage.forgettings.propose(tx, chat.id, proposal, self.clock())

    async def carry_out(self, tx: Transaction, chat: Chat, proposal_id: int) -> Proposal | None:
        """Forget what was proposed; None when that was answered before.

        It is in nothing that is read from now on, or, where it is very much, when `carry_on` has come to its end.
        `Erasing` deletes it.
        """
        proposal = await self.storage.forgettings.take(tx, chat.id, proposal_id)
        if proposal is None:
            return None
        await self.storage.chats.take_back(tx, chat.id)
        await self.storage.forgettings.put_aside(tx, chat.id, proposal.turn_ids)
        await self._take_out_of_notes(tx, chat, proposal)
        await self.storage.kept_responses.want_deleted(tx, chat.id)
        await self.storage.forgettings.drop_like(tx, chat.id, proposal)
        await self.storage.inbox.forget(tx, chat.place.telegram_id)
        return proposal

    async def carry_on(self, chat: Chat) -> None:
        """Take out what else was confirmed, some thousand turns at a time, so that no other chat waits for long."""
        for left in await self.storage.forgettings.left():
            if left.home == chat.id:
                await take_out(self.storage, left)

    async def _take_out_of_notes(self, tx: Transaction, chat: Chat, proposal: Proposal) -> None:
        """Out of all their versions; since it was shown a compaction may have told the same in other lines."""
        lines, (wanted, without) = {*proposal.lines}, await self._matchers(chat, proposal.words, FEW)
        meant = without if any(map(without.holds, lines)) and not any(map(wanted.holds, lines)) else wanted

        lines |= {*await self._told(chat, proposal.turn_ids[-FEW:])}

        def is_gone(line: str) -> bool:
            told = _tells(line, proposal.words) if proposal.of_message else meant.holds(line)
            return line in lines or told

        await self.storage.memories.take_out(tx, chat.id, is_gone, self.windows.memory_tokens)

    async def _matchers(self, chat: Chat, words: str, look_at: int = PAGE) -> tuple[Matcher, Matcher]:
        """For all of the words, and for those that are not small."""
        page = await self.storage.past.contents(chat.id, chat.reset_turn, look_at)
        chosen = (chat.choices.language, chat.heard_language)
        languages = await asyncio.to_thread(languages_in, [words, *(content for _, content in page)], chosen)
        return matcher(words, languages), matcher(words, languages, without=says_nothing(languages))

    async def _matching(self, chat: Chat, is_meant: Callable[[str], bool]) -> tuple[int, ...]:
        """The ids of the turns whose content is meant: all are looked at, some thousand at a time."""
        found: list[int] = []
        after = chat.reset_turn
        while page := await self.storage.past.contents(chat.id, after, PAGE):
            found += await asyncio.to_thread(_meant, page, is_meant)
            after = page[-1][0]
        return tuple(found)

    async def _told(self, chat: Chat, turn_ids: Sequence[int]) -> list[str]:
        """The lines of all notes that tell of these turns, and not of one that is in the window and stays."""
        lines = await self._all_lines(chat)
        if not lines or not turn_ids:
            return []
        leaving = {*turn_ids}
        gone = await self.storage.past.of_ids(chat.id, turn_ids[-PAGE:])
        window = await self.storage.memories.window(chat.id, most_tokens=MOST_COMPARED)
        stays = [turn for turn in window.turns if turn.id not in leaving]
        told = await asyncio.to_thread(telling_of, lines, _short(gone))
        told -= telling_of(told, _short(stays))
        told |= sharing_codes(lines, (plain(turn.content) for turn in gone), (plain(turn.content) for turn in stays))
        return [line for line in lines if line in told]

    async def _all_lines(self, chat: Chat) -> list[str]:
        """The lines of the memory, and then those of the notes before it."""
        memory = await self.storage.memories.current(chat)
        now = [line for line in memory.text.splitlines() if line.strip()] if memory else []
        return list(dict.fromkeys([*now, *await self.storage.memories.earlier_lines(chat)]))

    async def _lines(self, chat: Chat, is_meant: Callable[[str], bool]) -> tuple[str, ...]:
        """The lines of the memory that are meant; where none is, those of the notes before it, which are kept too."""
        memory = await self.storage.memories.current(chat)
        lines = [line for line in memory.text.splitlines() if line.strip()] if memory else []
        if meant := tuple(line for line in lines if is_meant(line)):
            return meant
        earlier = await self.storage.memories.earlier_lines(chat)
        return tuple(await asyncio.to_thread(lambda: [line for line in earlier if is_meant(line)]))


async def take_out(storage: Storage, left: RemainingTurns) -> None:
    """Take all turns that were confirmed out of what is read of their chat."""
    more = True
    while more:
        async with storage.transaction() as tx:
            more = await storage.forgettings.put_more_aside(tx, left)
            if more:
                await storage.chats.take_back(tx, left.home)


def _short(turns: Iterable[HistoryTurn | Turn]) -> list[str]:
    """What people said in few words."""
    return [plain(turn.content) for turn in turns if turn.role is Role.USER and turn.tokens <= LONG_TOKENS]


def _meant(page: Sequence[tuple[int, str]], is_meant: Callable[[str], bool]) -> list[int]:
    return [turn_id for turn_id, content in page if is_meant(content)]


def _holds(wanted: Matcher, content: str) -> bool:
    return wanted.holds(spoken(content))


def _has_quote(quote: str, content: str) -> bool:
    return "> " in content and quote in _quotes(plain(content))


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


def _tells(line: str, said: str) -> bool:
    theirs, ours = _words(line), _folded(said)
    if line.startswith("#") or not theirs:
        return False
    return sum(_root(word) in ours for word in theirs) >= SHARED_WORDS * len(theirs)


def _root(word: str) -> str:
    """A word without its inflection, roughly; what it matches too much is shown before it is forgotten."""
    return word if len(word) < 5 else word[: max(4, len(word) - 2)]


class Eraser:
    """One task for all chats."""

    def __init__(self, storage: Storage, indexer: Indexer) -> None:
        self._storage = storage
        self._indexer = indexer
        self._wanted = asyncio.Event()
        self._working: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Delete what has been forgotten and is still there, now or when that is possible again."""
        self._wanted.set()
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(), name="erasing")

    async def close(self) -> None:
        """Leave the rest to the next start."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    async def _work(self) -> None:
        while self._wanted.is_set():
            self._wanted.clear()
            try:
                await self.erase()
            except Exception as exc:
                if not isinstance(exc, StorageError):  # a fault of ours must not leave it there until the next start
                    log.exception("What was forgotten could not be deleted")
                log.warning("What was forgotten is deleted later: %s", exc)
                self._wanted.set()
                await asyncio.sleep(AGAIN_AFTER_S)

    async def erase(self) -> None:
        """Delete all that is forgotten, and overwrite its words in the index's old parts and in the database's log."""
        waiting = await self._storage.forgettings.left()
        if not waiting:
            return
        for left in waiting:
            await take_out(self._storage, left)
            more = True
            while more:  # whoever waits to write has its turn between two of them
                more = await self._delete_some(left)
        await self._indexer.renew()
        await self._indexer.merge()
        await self._storage.database.scrub()
        async with self._storage.transaction() as tx:
            for left in waiting:
                await self._storage.forgettings.done(tx, left)

    async def _delete_some(self, left: RemainingTurns) -> bool:
        async with self._storage.transaction() as tx:
            turn_ids = await self._storage.forgettings.bring_home(tx, left, BATCH)
            for chat_id in (left.home, left.aside):
                await self._storage.forgettings.delete_turns(tx, chat_id, turn_ids)
            await self._indexer.forgotten(tx, left.home, turn_ids)
        return bool(turn_ids)
