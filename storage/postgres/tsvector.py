"""Search by words on PostgreSQL: the terms of each turn in a ``tsvector``, ranked by BM25 as SQLite's FTS5 does it.

PostgreSQL's own ranks know nothing of how rare a word is. So the server finds the turns of a chat with any of the terms
(a GIN index), and adds up their scores from the weight that each term has by our own count.

The weight of a term in the vector names its column: A a turn's own words, B its neighbours', C the label, D its words
as written, and the chat's tag. How often it is in each column is packed into one number, a byte for each.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage.database import Database, Transaction
from storage.index import Index
from storage.search import (
    AROUND_WEIGHT,
    GROWN,
    K1,
    LABEL_WEIGHT,
    OWN_WEIGHT,
    SAMPLED_KEYS,
    SLICE_KEYS,
    SLICES,
    WRITTEN_WEIGHT,
    Asked,
    Hit,
    Search,
    Term,
    TurnKey,
    weight,
)

MOST_COUNTED = 255
"""The most times that one word counts in one column; a byte holds it."""
MOST_TERMS = 20_000
"""The most words of a turn that are indexed."""
MOST_BYTES = 1_000_000
"""The most bytes of a turn's words that are indexed: a vector has room for a megabyte."""
TERM_BYTES = 11
"""What a word takes in a vector besides its letters: up to four positions, their number, and what aligns them."""
MOST_LETTERS = 500
"""The longest word that is indexed; a vector takes 2,046 bytes."""
B = 0.75
"""The constant b of BM25, as in FTS5."""
_WEIGHTS = {"A": OWN_WEIGHT, "B": AROUND_WEIGHT, "C": LABEL_WEIGHT, "D": WRITTEN_WEIGHT}
_OFTEN = " + ".join(f"{column} * (packed >> {8 * at} & 255)" for at, column in enumerate("abcd"))
_RANKED = f"""
WITH phrases AS MATERIALIZED (
    SELECT * FROM json_to_recordset(?1::json) AS phrase (word text, begins boolean,
        rarity double precision, a double precision, b double precision, c double precision, d double precision)
)
SELECT turn_id AS id, score FROM turn_words CROSS JOIN LATERAL (
    SELECT sum(rarity * often / (often + {K1} * (1 - {B} + {B} * size / ?2::double precision))) AS score FROM (
        SELECT rarity, {_OFTEN} AS often FROM (
            SELECT phrases.*, CASE WHEN begins THEN (
                SELECT sum(value::bigint)::bigint FROM jsonb_each_text(counts) WHERE starts_with(key, word)
            ) ELSE (counts ->> word)::bigint END AS packed FROM phrases
        ) AS counted WHERE packed > 0
    ) AS weighed WHERE often > 0
) AS ranked WHERE words @@ ?3::tsquery AND turn_id > ?4 AND turn_id < ?5
ORDER BY score DESC NULLS LAST, turn_id LIMIT ?6
"""
"""BM25 as FTS5 computes it: a column's weight multiplies how often a phrase is in it."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A word to look for in some columns: one stem of a term, or the term as written."""

    word: str
    columns: str
    begins: bool = False

    @property
    def query(self) -> str:
        """As PostgreSQL's query language has it."""
        return f"{_quoted(self.word)}:{'*' * self.begins}{self.columns}"


class PostgresIndex(Index):
    """The table of vectors. The server keeps its index in step with it."""

    async def examine(self) -> None:
        """Nothing: an index of the server's own is sound, or raises an error."""

    async def replace(self) -> None:
        """Empty the table; afterwards all turns must be indexed."""
        async with self._database.transaction(alone=True) as tx:
            await tx.execute("LOCK TABLE chat_claims IN EXCLUSIVE MODE")  # no process indexes a chat meanwhile
            await tx.execute("DELETE FROM turn_words")
            await tx.execute("UPDATE chats SET indexed_turn = 0, old_turn = 0")
            for table in ("chat_languages", "stale_keys", "index_damage"):
                await tx.execute(f"DELETE FROM {table}")
        self._damaged = False

    async def follow(self) -> None:
        """Remove stale keys."""
        if not await self._database.row("SELECT 1 FROM stale_keys LIMIT 1"):
            return
        self._changes += 1
        async with self.transaction() as tx:
            # In one statement: other processes may be deleting turns, whose stale keys it must not drop unseen. It
            # waits for the rows of keys that are being renewed, which are not stale any more afterwards.
            await tx.execute(
                "WITH stale AS MATERIALIZED (SELECT turn_id FROM stale_keys FOR UPDATE),"
                " removed AS (DELETE FROM turn_words WHERE turn_id IN (SELECT turn_id FROM stale))"
                " DELETE FROM stale_keys WHERE turn_id IN (SELECT turn_id FROM stale)"
                " AND turn_id NOT IN (SELECT id FROM turns)"
            )


class PostgresSearch(Search):
    """The table of vectors."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, PostgresIndex(database))
        self._average: tuple[int, int, float] | None = None
        """The size of the index when it was looked at, its keys, and the average number of words of one."""

    async def put(self, tx: Transaction, chat_id: int, keys: Iterable[TurnKey]) -> None:
        """Index turns, or index them again."""
        await tx.execute_many(
            "INSERT INTO turn_words (turn_id, words, counts, size) VALUES (?, ?::tsvector, ?::jsonb, ?)"
            " ON CONFLICT (turn_id) DO UPDATE SET words = excluded.words, counts = excluded.counts,"
            " size = excluded.size",
            [(key.turn_id, *_vector(chat_id, key)) for key in keys],
        )

    async def finds(self, turn_id: int, word: str) -> bool:
        """Whether a turn is found by this word, which is one of its own."""
        query = f"{_quoted(word)}:AD"
        row = await self._database.row(
            "SELECT 1 FROM turn_words WHERE turn_id = ? AND words @@ ?::tsquery", (turn_id, query)
        )
        return row is not None

    async def remove(self, tx: Transaction, turn_ids: Iterable[int]) -> None:
        """Remove the keys of these turns."""
        await tx.execute_many("DELETE FROM turn_words WHERE turn_id = ?", [(turn_id,) for turn_id in turn_ids])

    async def merge(self, tx: Transaction, *, begins: bool) -> bool:  # noqa: ARG002 - see the docstring
        """Nothing: what was deleted goes with the server's next vacuum."""
        return False

    async def _count_keys(self, queries: Sequence[str], slices: Sequence[tuple[int, int]]) -> list[int]:
        if not queries:
            return []
        rows = await self._database.rows(
            f"SELECT (SELECT count(*) FROM turn_words WHERE words @@ query::tsquery AND ({_inside(slices)})) AS found"
            " FROM json_array_elements_text(?::json) WITH ORDINALITY AS asked (query, number) ORDER BY number",
            (json.dumps(queries),),
        )
        return [row["found"] for row in rows]

    async def _keys(self, first: int, last: int) -> list[int]:
        rows = await self._database.rows("SELECT turn_id FROM turn_words WHERE turn_id BETWEEN ? AND ?", (first, last))
        return [row["turn_id"] for row in rows]

    async def _size(self) -> int:
        row = await self._database.row("SELECT coalesce(max(turn_id), 0) AS size FROM turn_words")
        return int(row["size"]) if row else 0

    def _query(self, term: Term) -> str:
        return _any(_phrases(term, "ABC")[: len(term.stems) or 1])

    def _chat_query(self, chat_id: int) -> str:
        return _quoted(_tag(chat_id))

    async def _ranked(self, chat_id: int, terms: Sequence[Term], asked: Asked) -> list[Hit]:
        of_terms = [_phrases(term, "A" if asked.own else "ABC") for term in terms]
        phrases = [phrase for of_term in of_terms for phrase in of_term]
        joined = (" & " if asked.every_term else " | ").join(map(_any, of_terms))
        chat = self._chat_query(chat_id)
        size = await self._size()
        counts, _ = await self._counts.count([phrase.query for phrase in phrases], chat, size)
        keys, words = await self._averages(size)
        rows = await self._database.rows(
            _RANKED,
            (
                json.dumps([_row(phrase, weight(count, keys)) for phrase, count in zip(phrases, counts, strict=True)]),
                *(words, f"{chat} & ({joined})", asked.after_turn, asked.before_turn, asked.limit),
            ),
        )
        return [Hit(row["id"], row["score"] or 0.0) for row in rows]

    async def _averages(self, size: int) -> tuple[int, float]:
        """The number of keys, and the average number of words of one; of a large index, from a sample."""
        if self._average is None or abs(size - self._average[0]) > GROWN * self._average[0]:
            slices = [(0, size)]
            if size >= SAMPLED_KEYS:
                slices = [(low, low + SLICE_KEYS - 1) for low in range(size // SLICES // 2, size, size // SLICES)]
            row = await self._database.row(
                "SELECT count(*) AS keys, coalesce(avg(size), 1)::double precision AS words FROM turn_words"
                f" WHERE {_inside(slices)}"
            )
            sampled = sum(last - first + 1 for first, last in slices)
            keys = round(row["keys"] * max(size / sampled, 1)) if row else 0
            self._average = (size, keys, row["words"] if row else 1.0)
        return self._average[1:]


def _inside(slices: Sequence[tuple[int, int]]) -> str:
    return " OR ".join(f"turn_id BETWEEN {first} AND {last}" for first, last in slices)


def _phrases(term: Term, columns: str) -> list[Phrase]:
    """A term's stems, and then the term as written if it has stems."""
    columns = "A" if term.own else columns
    if not term.stems:
        return [Phrase(term.written, columns, term.begins)]
    return [*(Phrase(stem, columns, term.begins) for stem in term.stems), Phrase(term.written, "D")]


def _any(phrases: Iterable[Phrase]) -> str:
    return f"({' | '.join(phrase.query for phrase in phrases)})"


def _row(phrase: Phrase, rarity: float) -> dict[str, object]:
    weights = {column.lower(): _WEIGHTS[column] if column in phrase.columns else 0.0 for column in "ABCD"}
    return {"word": _storable(phrase.word)[:MOST_LETTERS], "begins": phrase.begins, "rarity": rarity, **weights}


def _storable(text: str) -> str:
    """A text without what neither PostgreSQL's text nor its JSON holds: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _quoted(word: str) -> str:
    """A word as one term of a vector or a query."""
    word = _storable(word)[:MOST_LETTERS].replace("\\", "\\\\").replace("'", "''")
    return f"'{word}'"


def _tag(chat_id: int) -> str:
    """What marks the turns of a chat: no word has a colon."""
    return f"chat:{chat_id}"


def _vector(chat_id: int, key: TurnKey) -> tuple[str, str, int]:
    """A key as the text of a vector, how often its words are there as JSON, and their number."""
    columns: dict[str, str] = {_tag(chat_id): "D"}
    packed: Counter[str] = Counter()
    size, room = 1, MOST_BYTES
    for at, (column, text) in enumerate(zip("ABCD", (key.own, key.around, key.label, key.written), strict=True)):
        words = _storable(text).split()
        size += len(words)
        for word, count in Counter(word[:MOST_LETTERS] for word in words).items():
            if word not in columns:
                room -= len(word.encode()) + TERM_BYTES
                if room < 0 or len(columns) >= MOST_TERMS:
                    continue
            columns[word] = columns.get(word, "") + column
            packed[word] += min(count, MOST_COUNTED) << 8 * at
    vector = " ".join(
        f"{_quoted(word)}:{','.join(f'{at}{column}' for at, column in enumerate(found, 1))}"
        for word, found in columns.items()
    )
    return vector, json.dumps(packed), size
