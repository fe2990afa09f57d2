"""Forgetting for good: what a user names is found, shown, and deleted once they confirm.

Confirmed deletions are immediately out of every prompt, search, memory, stored update and export. A compaction in
progress becomes void, because its input contained the deleted text. The rows themselves are deleted in the background
(``eraser``).
"""

import asyncio
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from bot.conversation.eraser import hide_turns
from bot.conversation.incoming_message import QUOTE_LENGTH
from bot.conversation.indexing import Indexer
from bot.conversation.matching import Matcher, languages_in, make_matcher, stop_word_test
from bot.conversation.memory_loss import lines_about, sharing_codes
from bot.conversation.query import strip_framing, strip_timestamp
from bot.conversation.quote_removal import Quoted, said_in, without_quotes
from bot.conversation.search_terms import all_words, query_words
from bot.conversation.window import WindowReader
from storage import Storage, Transaction
from storage.deletions import Proposal
from storage.records import Chat, HistoryTurn, Role, Turn

PAGE = 2_000
"""Turns read and compared at a time."""
FEW = 200
"""Turns read to detect a conversation's languages while other writers wait."""
LONG_TOKENS = 300
"""A longer turn contains half of the words of many memory lines that aren't about it."""
MOST_COMPARED = 20_000
"""Tokens of the window that memory lines are compared with."""
SHARED_WORDS = 0.5
"""The share of its words that a memory line must have in common with a message to count as about it."""
NO_QUOTES = Quoted()


@dataclass(frozen=True, slots=True)
class ForgetPreview:
    """What would be forgotten."""

    turn_ids: tuple[int, ...]
    lines: tuple[str, ...]
    words: str = ""
    of_message: bool = False
    """Whether `words` is the text of a message rather than a user's search words."""

    def __bool__(self) -> bool:
        return bool(self.turn_ids or self.lines)


class Forgetting:
    """Finds and deletes; `clock` gives Unix seconds."""

    def __init__(self, storage: Storage, windows: WindowReader, indexer: Indexer, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._indexer = indexer
        self._windows = windows
        self._clock = clock

    async def by_words(self, chat: Chat, words: str) -> ForgetPreview:
        """Find the turns and memory lines that contain all of these words, in any inflection.

        If there are none, stop words are ignored. Memory lines that say the same as the found turns in other
        words are included.
        """
        for wanted in await self._matchers(chat, words):
            turns = await self._matching(chat, partial(_matches, wanted))
            lines = await self._lines(chat, wanted.matches)
            if turns or lines:
                related = await self._lines_about(chat, turns)
                return ForgetPreview(turns, (*lines, *(line for line in related if line not in lines)), words)
        return ForgetPreview((), ())

    async def by_message(self, chat: Chat, message_id: int) -> ForgetPreview:
        """Find a message's turn, its answer, quotes of it, and the memory lines about it."""
        turn = await self._storage.history.of_message(chat.id, message_id)
        if turn is None or turn.turn_id <= chat.reset_turn:
            return ForgetPreview((), ())
        answer = await self._storage.history.answer_to(chat.id, turn.turn_id) if turn.role is Role.USER else None
        said = strip_framing(turn.content)
        quote = _on_one_line(said)[:QUOTE_LENGTH]
        quoting = await self._matching(chat, partial(_has_quote, quote)) if _has_words(said) else ()
        turn_ids = tuple(sorted({turn.turn_id, *quoting} | ({answer} if answer else set())))
        lines = await self._lines(chat, partial(_is_about, said=said))
        related = await self._lines_about(chat, turn_ids)
        return ForgetPreview(
            turn_ids, (*lines, *(line for line in related if line not in lines)), said, of_message=True
        )

    async def only_of(self, chat: Chat, found: ForgetPreview, sender_id: int) -> ForgetPreview:
        """The part of a preview that this member of a group said, with the answer if it was one message.

        Memory lines are included only if they are about it. `words` is empty, so that nothing else is matched later.
        """
        own = await self._storage.history.sent_by(chat.id, found.turn_ids, sender_id)
        if not own:
            return ForgetPreview((), ())
        lines = tuple(await self._lines_about(chat, own))
        answer = await self._storage.history.answer_to(chat.id, own[0]) if found.of_message else None
        return ForgetPreview(tuple(sorted({*own, *([answer] if answer else [])})), lines, of_message=True)

    async def may_confirm(self, chat: Chat, proposal: Proposal, sender_id: int) -> bool:
        """Whether a proposal is about this member's own messages alone."""
        is_own = proposal.of_message and not proposal.words and bool(proposal.turn_ids)
        return is_own and await self._storage.history.is_all_of(chat.id, proposal.turn_ids, sender_id)

    async def shown(self, chat: Chat, found: ForgetPreview | Proposal, first: int, count: int) -> list[HistoryTurn]:
        """A page of the turns that were found."""
        return await self._storage.history.of_ids(chat.id, found.turn_ids[first : first + count])

    async def propose(self, tx: Transaction, chat: Chat, found: ForgetPreview) -> int:
        """Store a preview until the user decides; returns the proposal's id."""
        proposal = Proposal(found.turn_ids, found.lines, found.words, found.of_message)
        return await self._storage.deletions.propose(tx, chat.id, proposal, self._clock())

    async def quoting(self, chat: Chat, proposal_id: int) -> Quoted:
        """Where others quote what a member wants forgotten. Other proposals contain these messages themselves."""
        proposal = await self._storage.deletions.proposal(chat.id, proposal_id)
        if proposal is None or proposal.words or not proposal.of_message or chat.private:
            return Quoted()
        gone = await self._storage.history.of_ids(chat.id, proposal.turn_ids)
        said = tuple(said_in(turn.content) for turn in gone if turn.role is Role.USER)
        found = await self._matching(chat, lambda content: "> " in content and without_quotes(content, said) != content)
        return Quoted(said, tuple(turn_id for turn_id in found if turn_id not in proposal.turn_ids))

    async def carry_out(
        self, tx: Transaction, chat: Chat, proposal_id: int, quoted: Quoted = NO_QUOTES
    ) -> Proposal | None:
        """Forget what was proposed, and remove the quotes of it; None if the proposal has already been answered.

        From then on nothing reads it (a large deletion: once `carry_on` has finished). `Eraser` deletes the rows.
        """
        proposal = await self._storage.deletions.take_proposal(tx, chat.id, proposal_id)
        if proposal is None:
            return None
        await self._storage.chats.begin_epoch(tx, chat.id)
        for turn in await self._storage.history.of_ids(chat.id, quoted.turn_ids, tx) if quoted.turn_ids else ():
            content = without_quotes(turn.content, quoted.said)
            await self._storage.edits.change(tx, turn.turn_id, content, self._windows.count_tokens(content))
            await self._indexer.changed(tx, chat.id, turn.turn_id)
        await self._remove_from_memory(tx, chat, proposal)  # compares it with the turns, which must still be there
        await self._storage.deletions.hide(tx, chat.id, proposal.turn_ids)
        await self._storage.servers.delete_responses_of(tx, chat.id)
        await self._storage.deletions.drop_similar(tx, chat.id, proposal)
        await self._storage.inbox.forget(tx, chat.key.telegram_id)
        return proposal

    async def carry_on(self, chat: Chat) -> None:
        """Move the rest of a large deletion out of sight, in steps, so that no other chat waits for long."""
        for left in await self._storage.deletions.remaining():
            if left.home == chat.id:
                await hide_turns(self._storage.database, self._storage.chats, self._storage.deletions, left)

    async def _remove_from_memory(self, tx: Transaction, chat: Chat, proposal: Proposal) -> None:
        """Delete lines from all versions of the memory; a compaction since the preview may have reworded them."""
        lines, (wanted, without) = {*proposal.lines}, await self._matchers(chat, proposal.words, FEW, tx)
        meant = without if any(map(without.matches, lines)) and not any(map(wanted.matches, lines)) else wanted

        lines |= {*await self._lines_about(chat, proposal.turn_ids[-FEW:], tx)}

        def is_gone(line: str) -> bool:
            is_meant = _is_about(line, proposal.words) if proposal.of_message else meant.matches(line)
            return line in lines or is_meant

        await self._storage.memories.take_out(tx, chat.id, is_gone, self._windows.memory_tokens)

    async def _matchers(
        self, chat: Chat, words: str, look_at: int = PAGE, tx: Transaction | None = None
    ) -> tuple[Matcher, Matcher]:
        """A matcher for all words, and one without stop words."""
        page = await self._storage.history.contents(chat.id, chat.reset_turn, look_at, tx)
        chosen = (chat.settings.language, chat.heard_language)
        languages = await asyncio.to_thread(languages_in, [words, *(content for _, content in page)], chosen)
        return make_matcher(words, languages), make_matcher(words, languages, without=stop_word_test(languages))

    async def _matching(self, chat: Chat, is_meant: Callable[[str], bool]) -> tuple[int, ...]:
        """The ids of all turns whose content matches, read page by page."""
        found: list[int] = []
        after = chat.reset_turn
        while page := await self._storage.history.contents(chat.id, after, PAGE):
            found += await asyncio.to_thread(_matching_ids, page, is_meant)
            after = page[-1][0]
        return tuple(found)

    async def _lines_about(self, chat: Chat, turn_ids: Sequence[int], tx: Transaction | None = None) -> list[str]:
        """Memory lines, in any version, that are about these turns and not about one that stays in the window."""
        lines = await self._all_lines(chat, tx)
        if not lines or not turn_ids:
            return []
        leaving = {*turn_ids}
        gone = await self._storage.history.of_ids(chat.id, turn_ids[-PAGE:], tx)
        window = await self._storage.memories.window(chat.id, most_tokens=MOST_COMPARED, tx=tx)
        stays = [turn for turn in window.turns if turn.id not in leaving]
        found = await asyncio.to_thread(lines_about, lines, _short_messages(gone))
        found -= lines_about(found, _short_messages(stays))
        found |= sharing_codes(
            lines, (strip_framing(turn.content) for turn in gone), (strip_framing(turn.content) for turn in stays)
        )
        return [line for line in lines if line in found]

    async def _all_lines(self, chat: Chat, tx: Transaction | None) -> list[str]:
        """The lines of the current memory, followed by those of earlier versions."""
        memory = await self._storage.memories.current(chat, tx)
        now = [line for line in memory.text.splitlines() if line.strip()] if memory else []
        return list(dict.fromkeys([*now, *await self._storage.memories.earlier_lines(chat, tx)]))

    async def _lines(self, chat: Chat, is_meant: Callable[[str], bool]) -> tuple[str, ...]:
        """The matching lines of the memory, or if there are none, of its stored earlier versions."""
        memory = await self._storage.memories.current(chat)
        lines = [line for line in memory.text.splitlines() if line.strip()] if memory else []
        if meant := tuple(line for line in lines if is_meant(line)):
            return meant
        earlier = await self._storage.memories.earlier_lines(chat)
        return tuple(await asyncio.to_thread(lambda: [line for line in earlier if is_meant(line)]))


def _short_messages(turns: Iterable[HistoryTurn | Turn]) -> list[str]:
    """The content of users' short messages."""
    return [strip_framing(turn.content) for turn in turns if turn.role is Role.USER and turn.tokens <= LONG_TOKENS]


def _matching_ids(page: Sequence[tuple[int, str]], is_meant: Callable[[str], bool]) -> list[int]:
    return [turn_id for turn_id, content in page if is_meant(content)]


def _matches(wanted: Matcher, content: str) -> bool:
    return wanted.matches(strip_timestamp(content))


def _has_quote(quote: str, content: str) -> bool:
    return "> " in content and quote in _quotes(strip_framing(content))


def _on_one_line(text: str) -> str:
    """The text on one line, without quote marks."""
    return " ".join(re.sub(r"^> ", "", text, flags=re.MULTILINE).split())


def _quotes(content: str) -> str:
    """The quoted part of a turn, on one line."""
    return _on_one_line("\n".join(line for line in content.splitlines() if line.startswith("> ")))


def _has_words(said: str) -> bool:
    """Whether there is more than bracketed notes such as [photo] after the speaker's name."""
    return bool(re.sub(r"^(?:[^:\n]{1,60}: )?(?:\s*\[[^\]\n]*\])*", "", said).strip())


def _words(text: str) -> list[str]:
    return [_folded(word) for word in query_words(text) or all_words(text)]


def _folded(text: str) -> str:
    """Without case and accents, like the search index."""
    return "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))


def _is_about(line: str, said: str) -> bool:
    words, text = _words(line), _folded(said)
    if line.startswith("#") or not words:
        return False
    return sum(_root(word) in text for word in words) >= SHARED_WORDS * len(words)


def _root(word: str) -> str:
    """A word without its inflection, approximately; false matches are visible in the preview."""
    return word if len(word) < 5 else word[: max(4, len(word) - 2)]
