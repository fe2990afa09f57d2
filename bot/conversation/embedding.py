"""Search by meaning: every turn gets a vector in the background, and a question is compared with all of them.

A turn's vector is the sum of two: of its own line, and of that line between its neighbours, so that one dot product
yields the sum of both cosines. It is made once the following turn exists; until then the turn is in the window anyway.

When the embedding model is unavailable, search falls back to words, and missing vectors are made later. The pause
before the next attempt doubles with each failure, and the trouble is logged once. Each batch is stored as soon as it is
made, so no turn is embedded twice even if the process is killed.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from math import inf

from bot.concurrency import start_apart
from bot.conversation.cooldown import Cooldown
from bot.conversation.index_keys import VECTORS, HistoryReader, PlainHistoryReader
from bot.conversation.query import strip_framing
from bot.conversation.search_terms import date_words
from bot.conversation.similarity import SimilarityScores, VectorComparison, least_sum, sum_vectors
from bot.conversation.usage_recorder import CountedRequest, UsageRecorder
from bot.errors import (
    ContentRefused,
    ContextTooLong,
    ImageRefused,
    ModelError,
    RequestRefused,
    ServerTrouble,
    StreamCut,
)
from bot.llm.interface import Embedder, Purpose
from bot.llm.stream_events import ExtraRequest
from storage import StorageError
from storage.database import Database
from storage.history import History, InContext
from storage.records import HistoryTurn, Role
from storage.vectors import Progress, Vectors

BATCH = 10
"""Turns that are embedded and stored together."""
SLICE = 10
"""Batches of one chat before it is the next chat's turn."""
ANSWER_WITHIN_S = 2.0
"""The longest wait for a question's vector, in seconds, because a user is waiting for the answer."""
OWN_BYTES, BETWEEN_BYTES, NEIGHBOUR_BYTES = 2_000, 1_000, 400
"""Limits for a turn alone, a turn between its neighbours, and each neighbour: the beginning says what it is about.

In bytes, because four bytes are about a token in any script; small models read 500 tokens.
"""
HARMLESS = "hello"
_Two = tuple[Sequence[float] | None, Sequence[float] | None]
_REFUSED = (RequestRefused, ContentRefused, ContextTooLong, ImageRefused)
TRIES = 2
"""How often a text may crash a server that is otherwise up before it is left without a vector."""

log = logging.getLogger(__name__)


class EmbeddingIndex:
    """Maintains the vectors of all chats, one chat after another; `clock` gives monotonic seconds."""

    def __init__(
        self,
        database: Database,
        history: History,
        vectors: Vectors,
        embedder: Embedder,
        zone: tzinfo,
        clock: Callable[[], float],
        usage_recorder: UsageRecorder | None = None,
        reader: HistoryReader | None = None,
    ) -> None:
        """Without `usage_recorder`, usage isn't recorded. `reader` runs the code that reads turns."""
        self._reader = reader or PlainHistoryReader()
        self._usage_recorder = usage_recorder
        self._database = database
        self._history = history
        self._vectors = vectors
        self._embedder = embedder
        self._zone = zone
        self._comparing = VectorComparison(vectors)
        # Separate cooldowns: a text that keeps failing in the background must not disable questions.
        self._rest = Cooldown("Embeddings of questions", clock)
        self._background_rest = Cooldown("Embeddings", clock)
        self._waiting: dict[int, None] = {}
        self._working: asyncio.Task[None] | None = None

    def wake(self, chat_id: int) -> None:
        """Embed the chat's new turns in the background, ahead of other chats' backlogs."""
        self._waiting = {chat_id: None} | self._waiting
        self._ensure_working()

    async def wake_all(self, telegram_id: int | None = None) -> None:
        """Embed the backlog of all chats in the background, after a start or a change of model.

        `telegram_id`: only of this Telegram chat, which another process had.
        """
        await self._vectors.follow()
        chat_ids = await self._vectors.chats_to_embed(self._embedder.name, telegram_id)
        self._waiting |= dict.fromkeys(chat_ids)
        if chat_ids:
            level = logging.INFO if telegram_id is None else logging.DEBUG
            log.log(level, "Embedding the backlog of %d chats in the background", len(chat_ids))
            self._ensure_working()

    async def close(self) -> None:
        """Cancel the work in progress; it continues when its chat is woken again."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    async def catch_up(self, chat_id: int, batches: float = inf) -> bool:
        """Embed turns that lack a vector of this model; False if `batches` ran out first.

        Raises ModelError and StorageError; whatever was stored stays.
        """
        progress = stored = await self._vectors.progress(chat_id, self._embedder.name)
        changed = False
        while turn_ids := await self._vectors.to_make(chat_id, progress, BATCH):
            if batches <= 0:
                return False
            batches -= 1
            rows = await self._history.in_context(chat_id, turn_ids)
            made = await self._make_vectors(chat_id, rows)
            dimension = next((len(vector) for pair in made for vector in pair if vector), progress.dimension)
            through = max(turn_ids[-1], progress.through_turn)
            if progress.dimension not in (0, dimension):  # a new dimension makes the stored vectors useless
                if changed:
                    raise ServerTrouble(f"{self._embedder.name} alternates between two dimensions")
                changed, through = True, 0
            progress = Progress(progress.model, dimension, through)
            found = await self._store(chat_id, turn_ids, rows, made, progress, stored)
            if found.through_turn > stored.through_turn:  # another process embeds this chat
                return True
            stored = progress = progress if found == stored else found
        return True

    async def scores(self, chat_id: int, words: str, *, after_turn: int, before_turn: int) -> SimilarityScores | None:
        """How similar the turns between two ids are to these words; None if that can't be computed now."""
        if not words.strip() or self._rest.left > 0:
            return None
        try:
            if not await self._vectors.any(chat_id, self._embedder.name):
                return None
            requests: list[ExtraRequest] = []
            async with asyncio.timeout(ANSWER_WITHIN_S):
                (vector,) = await self._embedder.embed([_truncate(words, OWN_BYTES)], Purpose.QUERY, requests)
            self._rest.over()
            await self._record_usage(chat_id, requests)
            scores = await self._compare(chat_id, vector, after_turn, before_turn)
            return scores and replace(scores, least=least_sum(self._embedder.name, words))
        except Exception as exc:
            if not isinstance(exc, ModelError | StorageError | TimeoutError):  # a bug here must not prevent an answer
                log.exception("A question could not be embedded")
            self._rest.begin(exc)
            return None

    async def _compare(
        self, chat_id: int, vector: Sequence[float], after_turn: int, before_turn: int
    ) -> SimilarityScores | None:
        found = await self._comparing.compare(
            chat_id, self._embedder.name, vector, after_turn=after_turn, before_turn=before_turn
        )
        for first_turn in found.damaged:
            await self._drop(chat_id, first_turn)
        if found.spoiled:
            log.error("%d vectors of a chat are damaged and will be made again", len(found.spoiled))
            async with self._database.transaction() as tx:
                await tx.lock_chats(chat_id)
                await self._vectors.mark_stale(tx, chat_id, found.spoiled)
            self.wake(chat_id)
        return found.scores

    async def _drop(self, chat_id: int, first_turn: int) -> None:
        log.error("Vectors of a chat are damaged and will be made again")
        async with self._database.transaction() as tx:
            await tx.lock_chats(chat_id)
            await self._vectors.drop_page(tx, chat_id, first_turn)
        self.wake(chat_id)

    def _ensure_working(self) -> None:
        if self._working is None or self._working.done():
            self._working = start_apart(self._work(), "embedding")

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._background_rest.left)
            chat_id = next(iter(self._waiting))
            del self._waiting[chat_id]
            try:
                if not await self.catch_up(chat_id, SLICE):
                    self._waiting[chat_id] = None
            except (ModelError, StorageError) as exc:
                self._waiting[chat_id] = None
                self._background_rest.begin(exc)
            except Exception as exc:  # a bug: without a pause, every turn would hit it again and be paid for
                log.exception("A chat could not be embedded; trying again after a pause")
                self._background_rest.begin(exc)

    async def _make_vectors(self, chat_id: int, rows: Sequence[InContext]) -> list[_Two]:
        """The two vectors of each turn, or None where the model refuses a text."""
        turns = {turn.turn_id: turn for row in rows for turn in (row.before, row.own, row.after) if turn is not None}
        words = await self._reader.read(chat_id, list(turns.values()), words_of, VECTORS)
        known = dict(zip(turns, words, strict=True))
        texts = [text for row in rows for text in embedding_texts(row, self._zone, known)]
        if not texts:
            return []
        requests: list[ExtraRequest] = []
        try:
            vectors = await self._embed(texts, requests)
        finally:
            await self._record_usage(chat_id, requests)
        self._background_rest.over()
        return list(zip(vectors[::2], vectors[1::2], strict=True))

    async def _store(
        self,
        chat_id: int,
        turn_ids: Sequence[int],
        rows: Sequence[InContext],
        made: Sequence[_Two],
        progress: Progress,
        before: Progress,
    ) -> Progress:
        """Store the vectors that are still valid: a turn or its neighbour may have changed or gone in the meantime.

        Returns the chat's stored progress until now. If it isn't `before`, nothing is stored: another process embeds
        the chat, or its vectors were dropped.
        """
        sums = await asyncio.to_thread(_sums, rows, made)  # the first call loads numpy
        async with self._database.transaction() as tx:
            await tx.lock_chats(chat_id)
            found = await self._vectors.progress(chat_id, progress.model, tx)
            if found != before:
                return found
            now = await self._history.in_context(chat_id, turn_ids, tx)
            read = {row.own.turn_id: _embedded(row) for row in rows}
            same = {row.own.turn_id for row in now if _embedded(row) == read.get(row.own.turn_id)}
            valid = {turn_id: vector for turn_id, vector in sums.items() if turn_id in same}
            await self._vectors.put(tx, chat_id, valid, progress)
            await self._vectors.done(tx, same)
            if len(same) < len(turn_ids):
                await self._vectors.mark_stale(tx, chat_id, [turn_id for turn_id in turn_ids if turn_id not in same])
        return before

    async def _embed(self, texts: Sequence[str], requests: list[ExtraRequest]) -> Sequence[Sequence[float] | None]:
        """A vector for each text, or None if the server refuses it, so that one text can't block the others."""
        try:
            return await self._embedder.embed(texts, Purpose.PASSAGE, requests)
        except ModelError as exc:
            if not _may_be_a_text(exc):
                raise
            if not isinstance(exc, _REFUSED):
                await self._embedder.embed(
                    [HARMLESS], Purpose.PASSAGE, requests
                )  # or the server is down, and all texts wait
            return [await self._alone(text, requests) for text in texts]

    async def _alone(self, text: str, requests: list[ExtraRequest]) -> Sequence[float] | None:
        for attempt in range(TRIES):
            try:
                return (await self._embedder.embed([text], Purpose.PASSAGE, requests))[0]
            except ModelError as exc:
                if not _may_be_a_text(exc):
                    raise
                # raises if it isn't this text that the server refuses
                await self._embedder.embed([HARMLESS], Purpose.PASSAGE, requests)
                if isinstance(exc, _REFUSED) or attempt == TRIES - 1:
                    log.info("A turn gets no embedding because the server refuses its text: %s", type(exc).__name__)
                    break
        return None

    async def _record_usage(self, chat_id: int, requests: Sequence[ExtraRequest]) -> None:
        """Record the usage, for no particular user."""
        if self._usage_recorder is None or not requests:
            return
        async with self._database.transaction() as tx:
            for request in requests:
                asked = CountedRequest(self._embedder.name, request.counted, request.output)
                await self._usage_recorder.add(tx, chat_id, asked, request.usage)


def _sums(rows: Sequence[InContext], made: Sequence[_Two]) -> dict[int, bytes]:
    return {
        row.own.turn_id: sum_vectors(own, between)
        for row, (own, between) in zip(rows, made, strict=True)
        if own is not None
    }


def _may_be_a_text(exc: ModelError) -> bool:
    """Whether the error may be due to one of the texts; some servers crash over one."""
    return isinstance(exc, _REFUSED) or (isinstance(exc, ServerTrouble | StreamCut) and exc.reached)


def embedding_texts(row: InContext, zone: tzinfo, words: Mapping[int, str]) -> tuple[str, str]:
    """The texts to embed for a turn: its own line, and the line with its neighbours; `words`: see `words_of`."""
    lines = [
        f"{_speaker(spoken)}: {_truncate(words[spoken.turn_id], most)}"
        for spoken, most in ((row.before, NEIGHBOUR_BYTES), (row.own, BETWEEN_BYTES), (row.after, NEIGHBOUR_BYTES))
        if spoken is not None
    ]
    day = date_words(datetime.fromtimestamp(row.own.at, zone))
    own = f"{day}, {_speaker(row.own)}: {words[row.own.turn_id]}"
    return _truncate(own, OWN_BYTES), "\n".join([day, *lines])


def _embedded(row: InContext) -> object:
    """What the texts to embed depend on."""
    turns = (row.before, row.own, row.after)
    return [turn and (turn.turn_id, turn.role, turn.content, turn.speaker, turn.at) for turn in turns]


def _speaker(spoken: HistoryTurn) -> str:
    return "assistant" if spoken.role is Role.ASSISTANT else spoken.speaker or "user"


def words_of(turns: Sequence[HistoryTurn]) -> list[str]:
    """What was said in each turn, as far as it is embedded."""
    return [_words(turn)[:OWN_BYTES] for turn in turns]


def _words(spoken: HistoryTurn) -> str:
    if spoken.role is Role.ASSISTANT:
        return spoken.content
    return strip_framing(spoken.content).removeprefix(f"{_speaker(spoken)}: ")


def _truncate(text: str, most: int) -> str:
    return text[:most].encode("utf-8", "replace")[:most].decode("utf-8", "ignore")
