"""Finding turns by their meaning: each has a vector, made in the background, and a question is compared with all.

An embedding server in trouble costs nothing but this: search by words goes on alone, and what is missing is made up for
later. Each batch is stored as soon as it is paid for, so whatever ends the process, no turn is embedded twice.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo

from bot.conversation.asking import plain
from bot.conversation.keys import dated
from bot.conversation.rest import Rest
from bot.errors import ContentRefused, ContextTooLong, ImageRefused, ModelError, RequestRefused, ServerTrouble
from bot.llm.interface import Embedder
from storage import Storage, StorageError
from storage.records import Role, Spoken
from storage.vectors import FLOAT, NewVector, Page, Progress

BATCH = 10
"""Turns in a request, and in the transaction that stores what came of it."""
ANSWER_WITHIN_S = 2.0
"""A question waits no longer for its vector, in seconds: the user waits for the answer."""
PAGE = 5000
"""Vectors that are compared at a time: 20 MB at 1,024 dimensions."""
AROUND_WEIGHT = 0.6
"""A turn is also found by its neighbours, as in the index of words: what was asked says what the answer is about.

Measured on LoCoMo with three kinds of vectors made of words: 3 to 10 points more of the evidence among the first ten.
"""
HARMLESS = "hello"
MOST_COSINE = 1.01
"""Of two vectors of length 1; a little more is the numbers' rounding."""

_REFUSED = (RequestRefused, ContentRefused, ContextTooLong, ImageRefused)

log = logging.getLogger(__name__)


class Embedding:
    """Keeps the vectors of all chats, one chat after the other; `clock` gives seconds and never goes back."""

    def __init__(self, storage: Storage, embedder: Embedder, zone: tzinfo, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._embedder = embedder
        self._zone = zone
        self._rest = Rest("Embeddings", clock)
        self._waiting: dict[int, None] = {}
        self._working: asyncio.Task[None] | None = None

    def wake(self, chat_id: int) -> None:
        """Have the chat's new turns embedded in the background."""
        self._waiting[chat_id] = None
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(), name="embedding")
            self._working.add_done_callback(_report)

    async def wake_all(self) -> None:
        """Have every chat that is behind embedded in the background: after a start, or when the model was changed."""
        for chat_id in await self._storage.vectors.behind(self._embedder.name):
            self.wake(chat_id)

    async def close(self) -> None:
        """End what is under way; it is taken up again when its chat is woken."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    async def catch_up(self, chat_id: int) -> None:
        """Embed what has no vector of this model yet. Raises ModelError and StorageError; what was stored stays."""
        progress = await self._storage.vectors.progress(chat_id, self._embedder.name)
        changed = False
        while turn_ids := await self._storage.vectors.missing(chat_id, progress, BATCH):
            rows = await self._storage.past.of_ids(chat_id, turn_ids)
            vectors = await self._vectors([text_of(row, self._zone) for row in rows])
            self._rest.over()
            dimension = next((len(vector) for vector in vectors if vector), progress.dimension)
            through = turn_ids[-1]
            if progress.dimension not in (0, dimension):  # what was stored before is of no use any more
                if changed:
                    raise ServerTrouble(f"{self._embedder.name} answers in two dimensions by turns")
                changed, through = True, 0
            progress = Progress(progress.model, dimension, through)
            made = [NewVector(row.turn_id, _bytes(vector)) for row, vector in zip(rows, vectors, strict=True) if vector]
            async with self._storage.transaction() as tx:
                await self._storage.vectors.put(tx, chat_id, made, progress)

    async def nearest(self, chat_id: int, words: str, *, after_turn: int, before_turn: int, limit: int) -> list[int]:
        """The turns between two ids whose meaning is nearest, best first; none when the server can't be asked now."""
        if not words.strip() or limit < 1 or self._rest.left > 0:
            return []
        try:
            if not await self._storage.vectors.any_between(chat_id, self._embedder.name, after_turn, before_turn):
                return []
            async with asyncio.timeout(ANSWER_WITHIN_S):
                vector = (await self._embedder.embed([words]))[0]
            self._rest.over()
            return await self._nearest(chat_id, vector, after_turn, before_turn, limit)
        except (ModelError, StorageError, TimeoutError) as exc:
            self._rest.begin(exc)
            return []

    async def _nearest(
        self, chat_id: int, vector: Sequence[float], after_turn: int, before_turn: int, limit: int
    ) -> list[int]:
        asked, turn_ids, cosines, spoiled = _bytes(vector), list[int](), list[bytes](), list[int]()
        while True:
            page = await self._storage.vectors.page(
                *(chat_id, self._embedder.name, len(vector)),
                after_turn=after_turn,
                before_turn=before_turn,
                limit=PAGE,
            )
            if not page.last:
                break
            cosines.append(await asyncio.to_thread(_cosines, page, asked))
            turn_ids += page.turn_ids
            spoiled += page.spoiled
            after_turn = page.last
        joined = b"".join(cosines)
        spoiled += [turn_ids[at] for at in await asyncio.to_thread(_impossible, joined)]
        if spoiled:
            await self._make_anew(chat_id, spoiled)
        return [turn_ids[at] for at in await asyncio.to_thread(_best, joined, limit) if turn_ids[at] not in spoiled]

    async def _make_anew(self, chat_id: int, turn_ids: Sequence[int]) -> None:
        log.error("%d vectors of chat %d are damaged, and are made anew", len(turn_ids), chat_id)
        async with self._storage.transaction() as tx:
            await self._storage.vectors.drop(tx, chat_id, turn_ids)
        self.wake(chat_id)

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._rest.left)
            chat_id = next(iter(self._waiting))
            del self._waiting[chat_id]
            try:
                await self.catch_up(chat_id)
            except (ModelError, StorageError) as exc:
                self._waiting[chat_id] = None
                self._rest.begin(exc)

    async def _vectors(self, texts: Sequence[str]) -> Sequence[Sequence[float] | None]:
        """A vector for each text, none for one that the server refuses: it would hold up all that come after it."""
        try:
            return await self._embedder.embed(texts)
        except _REFUSED:
            return [await self._alone(text) for text in texts]

    async def _alone(self, text: str) -> Sequence[float] | None:
        try:
            return (await self._embedder.embed([text]))[0]
        except _REFUSED as exc:
            await self._embedder.embed([HARMLESS])  # raises when it is not this text that the server minds
            log.info("A turn has no embedding, since the server refuses its text: %s", type(exc).__name__)
            return None


def text_of(row: Spoken, zone: tzinfo) -> str:
    """What is embedded of a turn: its own words, and who said them when."""
    speaker = "assistant" if row.role is Role.ASSISTANT else row.speaker or "user"
    words = row.content if row.role is Role.ASSISTANT else plain(row.content).removeprefix(f"{speaker}: ")
    return f"{dated(datetime.fromtimestamp(row.at, zone))}, {speaker}: {words}"


def _bytes(vector: Sequence[float]) -> bytes:
    """The vector at length 1, so that a product is a cosine."""
    import numpy as np

    array = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(array))
    return (array / length if length > 0 else array).astype("<f4").tobytes()


def _cosines(page: Page, asked: bytes) -> bytes:
    import numpy as np

    vectors = np.frombuffer(page.vectors, dtype=np.float32).reshape(len(page.turn_ids), len(asked) // FLOAT)
    with np.errstate(all="ignore"):  # in a damaged vector anything may stand
        cosines: bytes = (vectors @ np.frombuffer(asked, dtype=np.float32)).tobytes()
    return cosines


def _impossible(cosines: bytes) -> list[int]:
    """The places of what is no cosine: the vector there is damaged."""
    import numpy as np

    values = np.frombuffer(cosines, dtype=np.float32)
    return [int(at) for at in np.flatnonzero(~(np.abs(values) <= MOST_COSINE))]


def _best(cosines: bytes, limit: int) -> list[int]:
    """The places of the turns that are nearest, together with the nearer one of their neighbours."""
    import numpy as np

    values = np.frombuffer(cosines, dtype=np.float32)
    values = np.where(np.abs(values) <= MOST_COSINE, values, np.float32(-1.0))
    alone = np.pad(values, 1, constant_values=-1.0)
    scores = alone[1:-1] + AROUND_WEIGHT * np.maximum(alone[:-2], alone[2:])
    return [int(at) for at in np.argsort(-scores, kind="stable")[:limit]]


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (exc := task.exception()) is not None:
        log.error("Embedding ended, until the next turn", exc_info=exc)
