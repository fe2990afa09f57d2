"""Search by words finds the same turns in the same order on SQLite and on PostgreSQL."""

import json
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import pytest

from bot.conversation.indexing import Indexer
from bot.conversation.search_terms import parse_query
from storage import Storage
from storage.records import Chat, ChatKey, NewReply, NewTurn
from tests.selection import first

CONVERSATIONS = Path(__file__).parent.parent.parent / "benchmarks" / "conversations"
LIMIT = 30
PLACES = 1
"""By how many places a turn may be further up or down: scores that are nearly equal are rounded otherwise."""
NASTY = (
    *(
        "it's",
        "'",
        "''",
        "\\",
        "a\\'b",
        '"',
        '""',
        "a:b",
        "a:1A",
        "*",
        "a*",
        ":*",
        "&",
        "|",
        "!",
        "<->",
        "(",
        ")",
        "%",
        "_",
    ),
    *(
        "NEAR(a b)",
        "AND",
        "OR",
        "NOT",
        "{own} :",
        "^a",
        "-a",
        "qzbqz",
        "\0",
        "a\0b",
        "\x01",
        "\x1f",
        "\x7f",
        "\xa0",
        "\u200b",
    ),
    *(
        "\ufeff",
        "\ufffd",
        "\ufffe",
        "\u2028",
        "\U0010ffff",
        "\U0001f600",
        "\U0001f468\u200d\U0001f469",
        "e\u0301",
        "\u0130",
    ),
    *(
        "ß",
        "ﬁ",
        "Ⅷ",
        "x" * 600,
        "ж" * 600,
        "字" * 50,
        "\U00020000" * 50,
        "a" * 255 + "ж",
        "1" * 400,
        "3.14",
        "1,000.5",
    ),
    *(
        "中文测试",
        "記憶",
        "きおく",
        "メモリ",
        "ความจำ",
        "ຄວາມ",
        "មេម៉ូរី",
        "မှတ်ဉာဏ်",
        "기억",
        "기억이",
        "हिन्दी",
        "ذاكرة",
        "זיכרון",
        "Straße",
    ),
    *(
        "don't",
        "l'été",
        "naïve",
        "C++",
        "C#",
        "foo@bar.com",
        "https://a.b/c?d=e&f=g#h",
        "$1",
        "?1",
        "%s",
        "{}",
        "\\N",
        "\\.",
        "E'a'",
    ),
)
"""Words that a text search, an escape or an encoding may stumble over."""
PLAIN = ("garden", "memory", "kettle", "walnut", "Lampe", "Garten", "сад", "память")


@dataclass(frozen=True)
class Both:
    """The same chats in two databases, with the same turns."""

    sqlite: Storage
    postgres: Storage

    async def add(self, telegram_id: int, texts: Sequence[str]) -> int:
        """A chat with these turns, indexed; returns its id."""
        [chat, same] = [await _add(storage, telegram_id, texts) for storage in (self.sqlite, self.postgres)]
        assert chat.id == same.id
        return chat.id

    async def find(self, chat_id: int, words: str, **how: bool) -> tuple[list[int], list[int]]:
        """What both find, best first."""
        found = []
        for storage in (self.sqlite, self.postgres):
            terms = parse_query(words, await storage.chats.languages(chat_id)).terms
            weighed = await storage.search.weighed(chat_id, terms)
            hits = await storage.search.find(
                chat_id, weighed.terms, after_turn=0, before_turn=2**62, limit=LIMIT, **how
            )
            found.append([hit.turn_id for hit in hits])
        return found[0], found[1]


@pytest.fixture
async def both(database_file: Path, postgres_url: str) -> AsyncIterator[Both]:
    sqlite, postgres = await Storage.open(database_file), await Storage.connect(postgres_url)
    yield Both(sqlite, postgres)
    await sqlite.close()
    await postgres.close()


async def _add(storage: Storage, telegram_id: int, texts: Sequence[str]) -> Chat:
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, ChatKey(telegram_id), private=True, now=0.0)
        for number, text in enumerate(texts):
            if number % 2:
                reply_id = await storage.transcript.begin_reply(tx, chat.id, float(number), reply_to=None)
                await storage.transcript.finish_reply(tx, chat.id, reply_id, NewReply(text, 5), None)
                await storage.transcript.give_up(tx, chat.id)
            else:
                turn = NewTurn(text, "\n", 5, number, 5, speaker="Ann", said_at=float(number))
                await storage.transcript.append(tx, chat.id, [turn], float(number))
    await Indexer(storage.chats, storage.history, storage.search, UTC).catch_up(chat.id)
    return chat


@pytest.mark.parametrize("name", first(("garden", "ja", "de", "es", "it", "tr"), most=2))
async def test_questions_find_the_same_turns(name: str, both: Both) -> None:
    data = json.loads((CONVERSATIONS / f"{name}.json").read_text(encoding="utf-8"))
    sessions = [value for key, value in data.items() if key.startswith("session_") and isinstance(value, list)]
    lines = [line["text"] for session in sessions for line in session]
    other, chat_id = await both.add(1002, lines[::3]), await both.add(1001, lines)
    questions = [one["question"] for one in data["qa"]]
    assert len(questions) > 15
    for question in questions:
        ours, theirs = await both.find(chat_id, question)
        assert _moved(ours, theirs) <= PLACES, (question, ours, theirs)
    ours, theirs = await both.find(other, questions[0])
    assert _moved(ours, theirs) <= PLACES


@pytest.mark.parametrize("seed", range(2))
async def test_nasty_words_find_the_same_turns(seed: int, both: Both) -> None:
    pick = random.Random(seed)
    texts = [" ".join(pick.choices((*NASTY, *PLAIN), k=pick.randint(1, 6))) for _ in range(100)]
    chat_id = await both.add(1001, [text.replace("\0", "\ufffd") for text in texts])
    assert await _keys(both.sqlite) == await _keys(both.postgres)
    for words in (*NASTY, *PLAIN, *texts[:20], "garden \ud800"):
        for how in ({}, {"own": True, "every_term": True}):
            ours, theirs = await both.find(chat_id, words, **how)
            assert _moved(ours, theirs) <= PLACES, (words, how, ours, theirs)


async def _keys(storage: Storage) -> list[int]:
    return [turn_id for turn_id in range(1, 200) if await storage.search.without_key(turn_id, turn_id)]


def _moved(ours: Sequence[int], theirs: Sequence[int]) -> int:
    """The most places by which a turn is further up or down; what only one found is past the other's end."""
    both = (ours, theirs)
    places = [{turn_id: place for place, turn_id in enumerate(found)} for found in both]
    return max(
        (abs(places[0].get(one, len(ours)) - places[1].get(one, len(theirs))) for one in {*ours, *theirs}), default=0
    )
