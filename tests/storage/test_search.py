"""The index finds a chat's turns by any of some words, and spends its time on the words that tell turns apart."""

from collections.abc import Iterable, Sequence

import pytest

from storage import Storage, search
from storage.database import Row, SQLValue
from storage.records import Chat, ChatKey, NewTurn
from storage.search import Term, TurnKey, tag

TURNS = 400


def asked(*words: str) -> tuple[Term, ...]:
    return tuple(map(Term, words))


async def index(storage: Storage, chat: Chat, texts: Sequence[str]) -> list[int]:
    """Store and index turns that each hold only their own words."""
    async with storage.transaction() as tx:
        for text in texts:
            await storage.transcript.append(tx, chat.id, [NewTurn(text, "\n", 1, 1, 5)], now=1.0)
        rows = await tx.rows("SELECT id, content FROM turns WHERE chat_id = ? ORDER BY id", (chat.id,))
        await storage.search.put(tx, chat.id, [TurnKey(row["id"], row["content"], "") for row in rows])
    return [row["id"] for row in rows]


@pytest.fixture
async def many(storage: Storage, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> Chat:
    """A chat whose every turn says "all", most say "most", each eighth "eighth", each hundredth "rare"."""
    monkeypatch.setattr(search, "FEW_KEYS", 50)
    shares = {"all": 1, "eighth": 8, "twentieth": 20, "rare": 100}
    texts = [" ".join(word for word, nth in shares.items() if number % nth == 0) for number in range(TURNS)]
    await index(storage, chat, texts)
    return chat


async def test_terms_that_are_everywhere_are_not_asked_for(storage: Storage, many: Chat) -> None:
    found = await storage.search.weighed(many.id, asked("all", "eighth", "unheard", "twentieth", "rare"))
    assert found.terms == asked("rare", "twentieth")
    assert (await storage.search.weighed(many.id, asked("all"))).terms == asked()


async def test_rarest_word_is_searched_though_common(storage: Storage, many: Chat) -> None:
    assert (await storage.search.weighed(many.id, asked("all", "eighth"))).terms == asked("eighth")


async def test_small_index_has_no_common_words(storage: Storage, many: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "FEW_KEYS", 5_000)
    assert (await storage.search.weighed(many.id, asked("all", "rare"))).terms == asked("rare", "all")


async def test_a_query_ends_where_it_costs_enough(
    storage: Storage, many: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_US", 10 * search.RANK_US)
    assert (await storage.search.weighed(many.id, asked("twentieth", "rare"))).terms == asked("rare")
    assert (await storage.search.weighed(many.id, asked("twentieth"))).terms == asked("twentieth")


async def test_sample_finds_common_words_of_large_index(
    storage: Storage, many: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await storage.search.weighed(many.id, asked("eighth", "rare", "unheard"))
    monkeypatch.setattr(search, "SAMPLED_KEYS", 100)
    monkeypatch.setattr(search, "SLICE_KEYS", 40)
    assert (await storage.search.weighed(many.id, asked("all", "twentieth", "rare", "unheard"))).terms == asked(
        "rare", "twentieth"
    )
    sampled = await storage.search.weighed(many.id, asked("eighth", "rare", "unheard"))
    assert sampled.terms == whole.terms
    assert sampled.weight == pytest.approx(whole.weight, rel=0.1)


async def test_sampled_common_words_are_remembered(
    storage: Storage, many: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SAMPLED_KEYS", 100)
    monkeypatch.setattr(search, "SLICE_KEYS", 40)
    rows, queries = storage.database.rows, list[object]()

    async def counted(sql: str, values: Iterable[SQLValue] = ()) -> list[Row]:
        queries.extend(value for value in values if isinstance(value, str))
        return await rows(sql, values)

    monkeypatch.setattr(storage.database, "rows", counted)
    words = asked("all", "eighth", "rare", "unheard")
    first = await storage.search.weighed(many.id, words)
    assert any("eighth" in str(query) for query in queries)
    queries.clear()
    assert await storage.search.weighed(many.id, words) == first
    assert {word for word in ("all", "eighth", "rare", "unheard") if any(word in str(one) for one in queries)} == {
        "rare",
        "unheard",
    }
    await index(storage, many, ["unheard", *["eighth"] * (TURNS // 10)])
    queries.clear()
    assert {term.written for term in (await storage.search.weighed(many.id, words)).terms} >= {"unheard"}
    assert any("eighth" in str(query) for query in queries)


async def test_nothing_is_asked_of_an_empty_index(storage: Storage, chat: Chat) -> None:
    found = await storage.search.weighed(chat.id, asked("zebra"))
    assert found.terms == ()
    assert (await storage.search.weighed(chat.id, asked())).terms == asked()
    assert await storage.search.find(chat.id, found.terms, after_turn=0, before_turn=9, limit=5) == []


@pytest.mark.sqlite_only("changes a column of FTS5")
async def test_key_tagged_for_another_chat_is_ignored(storage: Storage, chat: Chat) -> None:
    async with storage.transaction() as tx:
        other = await storage.chats.ensure(tx, ChatKey(2002), private=True, now=0.0)
    ids = await index(storage, chat, ["zebra", "zebra"])
    async with storage.transaction() as tx:
        await tx.execute("UPDATE turn_words SET tag = ? WHERE rowid = ?", (tag(other.id), ids[0]))
    for chat_id, expected in ((chat.id, [ids[1]]), (other.id, [])):
        hits = await storage.search.find(chat_id, asked("zebra"), after_turn=0, before_turn=99, limit=5)
        assert [hit.turn_id for hit in hits] == expected


def test_no_two_chats_share_a_tag() -> None:
    tags = {tag(number) for number in range(20_000)}
    assert len(tags) == 20_000
    assert all(one.isalpha() and one.isascii() and one.islower() for one in tags)
