"""What is hard for PostgreSQL to store: it is stored, or refused so that a chat goes on."""

import json
import math
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import pytest

from storage import Storage, StorageError
from storage.inbox import RawUpdate
from storage.records import Chat, ChatKey
from storage.search import Term, TurnKey

CLOCK = re.compile(
    r"\bnow\(\)|\bcurrent_(?:time|date)|clock_timestamp|unixepoch|datetime\('now|extract\(epoch", re.IGNORECASE
)
HALF = "\ud83d"
"""Half of a surrogate pair, which JSON allows and no encoding has."""


@pytest.fixture
async def storage(postgres_url: str) -> AsyncIterator[Storage]:
    opened = await Storage.connect(postgres_url)
    yield opened
    await opened.close()


async def stored(storage: Storage, text: str) -> str:
    async with storage.transaction() as tx:
        number = await tx.insert("INSERT INTO notices (telegram_id, private, text) VALUES (?, 1, ?)", (1, text))
    row = await storage.database.row("SELECT text FROM notices WHERE id = ?", (number,))
    assert row is not None
    return str(row["text"])


async def test_text_without_encoding_is_replaced(storage: Storage) -> None:
    assert await stored(storage, "a\0b") == "a\ufffdb"
    assert await stored(storage, f"a{HALF}b\0") == "a\ufffdb\ufffd"
    assert (
        await stored(storage, "\ud83d\ude00 \U0001f600 \ufeff\u202e\x01\x7f")
        == "\U0001f600 \U0001f600 \ufeff\u202e\x01\x7f"
    )


async def test_escapes_in_an_update_are_stored(storage: Storage) -> None:
    texts = ["\0", HALF, "\\u0000", "\ude00\ud83d", "\x00\x01"]
    updates = [
        RawUpdate(n, json.dumps({"update_id": n, "message": {"chat": {"id": 5, "title": text}, "text": text}}))
        for n, text in enumerate(texts)
    ]
    async with storage.transaction() as tx:
        assert await storage.inbox.add(tx, updates, 1.0) == set(range(len(texts)))
    assert [json.loads(raw.raw)["message"]["text"] for raw in await storage.inbox.unhandled()] == texts


WORDS = [
    "\0",
    HALF,
    "'",
    "\\",
    "':1A",
    "\\'",
    "a" * 5_000,
    "\U0001f600" * 600,
    "&|!:*<->()",
    "x\0y",
    "'&'",
    '"',
    "%s",
    "$1",
]


async def test_words_of_any_kind_are_found(storage: Storage, chat: Chat) -> None:
    turns = dict(enumerate(WORDS, 1))
    async with storage.transaction() as tx:
        keys = [TurnKey(turn, word, word, word, word) for turn, word in turns.items()]
        await storage.search.put(tx, chat.id, keys)
    for turn, word in turns.items():
        assert await storage.search.finds(turn, word), word
        weighed = await storage.search.weighed(chat.id, [Term(word, (word,)), Term(word)])
        await storage.search.find(chat.id, weighed.terms, after_turn=0, before_turn=99, limit=5)


@pytest.mark.parametrize("letters", [1, 3, 4, 20, 40, 500, 3_000])
async def test_text_of_megabytes_is_indexed(storage: Storage, chat: Chat, letters: int) -> None:
    words = [secrets.token_hex(letters)[:letters] for _ in range(20_000)]
    text, long = " ".join(words), " ".join("\U0001f600" * letters + str(number) for number in range(1_000))
    async with storage.transaction() as tx:
        await storage.search.put(tx, chat.id, [TurnKey(1, text, text, text, text), TurnKey(2, long, long, "", long)])
    assert await storage.search.finds(1, words[0])


async def test_number_over_64_bits_fails_that_write_alone(storage: Storage) -> None:
    async def write() -> None:
        async with storage.transaction() as tx:
            await storage.chats.ensure(tx, ChatKey(2**63), private=True, now=0.0)

    with pytest.raises(StorageError) as caught:
        await write()
    assert not caught.value.may_pass
    assert await storage.database.rows("SELECT 1 FROM chats WHERE telegram_id = ?", (-(2**63),)) == []


async def test_floats_without_a_value_do_no_harm(storage: Storage) -> None:
    async with storage.transaction() as tx:
        for number, value in enumerate((math.nan, math.inf, -math.inf), 1):
            await storage.chats.ensure(tx, ChatKey(number), private=True, now=value)
    rows = await storage.database.rows("SELECT created_at FROM chats ORDER BY telegram_id")
    assert [str(row["created_at"]) for row in rows] == ["nan", "inf", "-inf"]


async def test_photo_of_20_megabytes_comes_back_whole(storage: Storage) -> None:
    photo = secrets.token_bytes(20 * 1_048_576)
    async with storage.transaction() as tx:
        number = await tx.insert(
            "INSERT INTO notices (telegram_id, private, text, file) VALUES (1, 1, '', ?)", (photo,)
        )
    row = await storage.database.row("SELECT file FROM notices WHERE id = ?", (number,))
    assert row is not None
    assert bytes(row["file"]) == photo


async def test_lists_have_no_limit(storage: Storage, chat: Chat) -> None:
    async with storage.transaction() as tx:
        await storage.inbox.done(tx, range(200_000))
        await tx.execute_many(
            "INSERT INTO chats (telegram_id, private, created_at) VALUES (?, 1, 0)",
            ((n,) for n in range(5_000, 15_000)),
        )
    rows = await storage.database.rows("SELECT count(*) AS number FROM chats")
    assert rows[0]["number"] == 10_001


async def test_transaction_with_a_failed_statement_stores_nothing(storage: Storage) -> None:
    async def careless() -> None:
        async with storage.transaction() as tx:
            await storage.chats.ensure(tx, ChatKey(1), private=True, now=0.0)
            with suppress(StorageError):
                await tx.execute("INSERT INTO chats (telegram_id, private, created_at) VALUES (2, 1, NULL)")

    with pytest.raises(StorageError, match="nothing was stored"):
        await careless()
    assert await storage.database.rows("SELECT 1 FROM chats") == []


async def test_column_added_by_a_newer_version_is_ignored(storage: Storage) -> None:
    async with storage.transaction() as tx:
        await storage.chats.ensure(tx, ChatKey(1), private=True, now=0.0)
    for _ in range(20):  # so that the statement is prepared
        assert await storage.chats.find(ChatKey(1)) is not None
    async with storage.transaction() as tx:
        await tx.execute("ALTER TABLE chats ADD COLUMN later bigint")
    for _ in range(20):
        assert await storage.chats.find(ChatKey(1)) is not None


def test_no_statement_asks_for_the_time() -> None:
    """Clocks of several servers and bots differ; a time always comes from the bot's.

    Only rates, which all bots count together within a minute, are by the server's clock alone.
    """
    folder = files("storage")
    sources = [path for path in Path(str(folder)).rglob("*") if path.suffix in (".py", ".sql")]
    asking = [path.name for path in sources if CLOCK.search(path.read_text(encoding="utf-8"))]
    assert sorted(asking) == ["answer_rates.py", "server_report.py"], "the report only compares the clocks"
