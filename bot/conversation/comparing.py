"""A question's vector is compared with all of a chat's.

To read them from the database takes twice as long as to compare them, so those of the chats that were asked last stay
in memory, as far as there is room. A page in the database never changes: another one takes its place.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.conversation.similarity import Scores, compared, joined
from storage.vectors import Page, Vectors

PAGES = 64
"""Pages that are read at a time: 8 MB."""
KEPT_BYTES = 64 * 1024 * 1024
"""Of pages in memory, for all chats together: eight chats of 10,000 turns, with vectors of 384 numbers."""
TRIES = 3
"""A page that another one replaced meanwhile is looked for again."""

Key = tuple[int, int]
"""A chat, and how many numbers its vectors have."""


@dataclass(frozen=True, slots=True)
class Compared:
    """How near the turns are, and what is wrong: pages by their first turns, and the turns of single vectors."""

    scores: Scores | None
    damaged: tuple[int, ...] = ()
    spoiled: tuple[int, ...] = ()


class Kept:
    """Pages of the chats that were asked last."""

    def __init__(self) -> None:
        self._chats: OrderedDict[Key, dict[int, Page]] = OrderedDict()
        self.bytes = 0

    def of(self, key: Key, page_ids: Iterable[int]) -> list[Page]:
        """Those of these pages that are here; all others of the chat are let go."""
        pages = self._chats.pop(key, {})
        for gone in pages.keys() - set(page_ids):
            self.bytes -= len(pages.pop(gone).vectors)
        self._chats[key] = pages
        return list(pages.values())

    def keep(self, key: Key, pages: Iterable[Page]) -> None:
        """Keep sound pages, if need be in the place of other chats' ones; what has no room then is read each time."""
        theirs = self._chats.setdefault(key, {})
        for page in pages:
            if page.damaged or page.page_id in theirs:
                continue
            while self.bytes + len(page.vectors) > KEPT_BYTES and next(iter(self._chats)) != key:
                _, others = self._chats.popitem(last=False)
                self.bytes -= sum(len(each.vectors) for each in others.values())
            if self.bytes + len(page.vectors) <= KEPT_BYTES:
                theirs[page.page_id] = page
                self.bytes += len(page.vectors)


class Comparing:
    """Reads pages, and compares them in a thread meanwhile."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self._kept = Kept()

    async def compare(
        self, chat_id: int, model: str, vector: Sequence[float], *, after_turn: int, before_turn: int
    ) -> Compared:
        """Compare a vector with those of the turns between two ids. Raises StorageError."""
        for _ in range(TRIES):
            page_ids = await self._vectors.page_ids(chat_id, model)
            found = await self._compare(chat_id, page_ids, vector, after_turn, before_turn)
            if found is not None:
                return found
        return Compared(None)

    async def _compare(
        self, chat_id: int, page_ids: Sequence[int], vector: Sequence[float], after_turn: int, before_turn: int
    ) -> Compared | None:
        """None when a page has been replaced."""
        key = (chat_id, len(vector))
        pages = self._kept.of(key, page_ids)
        here = {page.page_id for page in pages}
        missing = [page_id for page_id in page_ids if page_id not in here]
        parts, spoiled, damaged = list[Scores](), list[int](), list[int]()
        for start in range(0, len(missing) + PAGES, PAGES):
            wanted = missing[start : start + PAGES]
            (part, wrong), read = await asyncio.gather(
                asyncio.to_thread(compared, pages, vector, after_turn),
                self._vectors.pages(chat_id, len(vector), wanted),
            )
            parts.append(part)
            spoiled += wrong
            damaged += [page.first_turn for page in read if page.damaged]
            if len(read) < len(wanted):
                return None
            self._kept.keep(key, read)
            pages = read
        scores = await asyncio.to_thread(joined, parts, before_turn)
        return Compared(scores, tuple(damaged), tuple(spoiled))
