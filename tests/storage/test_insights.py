"""The inspector's lists have what is stored, newest first, and only that of the chat that is asked for."""

from dataclasses import replace

from storage import Storage
from storage.bases import Basis
from storage.insights import Insights
from storage.records import Chat, ChatKey, Usage
from tests.storage.test_bases import put
from tests.storage.test_sent_prompts import SENT
from tests.storage.test_transcript import reply, say


def basis(question: int, total_s: float) -> Basis:
    sent = replace(SENT, total_s=total_s)
    return Basis(question, question, 1, 0, "m", Usage(900, 600, 40), price=0.25, currency="USD", sent=sent)


async def counts(storage: Storage) -> dict[str, int]:
    """The first word of each kind that occurs, and how often."""
    return {one.kind.split()[0]: one.count for one in await Insights(storage.database).failures() if one.count}


async def test_answers_are_listed_newest_first(storage: Storage, chat: Chat) -> None:
    insights = Insights(storage.database)
    for number, text in enumerate(("one", "two", "three"), 1):
        await say(storage, chat, text, number)
        reply_id = await reply(storage, chat, f"answer to {text}")
        await put(storage, chat, reply_id, basis(reply_id - 1, float(number % 3)))
    lines = await insights.answers(chat)
    assert [(line.question, line.answer) for line in lines[:2]] == [
        ("three", "answer to three"),
        ("two", "answer to two"),
    ]
    assert [line.question for line in await insights.answers(chat, last=lines[1].reply_id, limit=1)] == ["two"]
    assert [line.question for line in await insights.course(chat)] == ["one", "two", "three"]
    assert [line.question for _, line in await insights.slow(2)] == ["two", "one"]
    assert lines[0].own == Usage(5, 0, 1)
    assert (lines[0].all, lines[0].price, lines[0].window) == (Usage(900, 600, 40), 0.25, (900, 400, 800))
    assert await insights.answer_after(chat, lines[2].reply_id) == lines[1].reply_id
    async with storage.transaction() as tx:
        other = await storage.chats.ensure(tx, ChatKey(2002), private=True, now=1.0)
        await storage.deletions.reset(tx, chat.id, 100.0)
    assert await insights.answers(other) == []
    read = await storage.chats.find(chat.key)
    assert read is not None
    assert await insights.answers(read) == await insights.course(read) == []


async def test_failures_are_counted_by_kind(storage: Storage, chat: Chat) -> None:
    assert await counts(storage) == {}
    await say(storage, chat, "given up", 1)
    async with storage.transaction() as tx:
        await storage.transcript.give_up(tx, chat.id)
    assert await counts(storage) == {"Questions": 1}
    async with storage.transaction() as tx:
        await storage.transcript.leave_out(tx, chat.id, [1])
        await tx.execute("UPDATE chats SET compact_failures = 2, gone = 1 WHERE id = ?", (chat.id,))
    assert await counts(storage) == {"Questions": 1, "Messages": 1, "Chats": 1}
    (most,) = {one.chats for one in await Insights(storage.database).failures() if one.count}
    assert most == ((chat.key.telegram_id, 1),)
    await say(storage, chat, "said since", 2)
    await reply(storage, chat, "yes")
    assert "Questions" not in await counts(storage)


async def test_chats_are_found_by_name_or_number(storage: Storage, chat: Chat) -> None:
    insights = Insights(storage.database)
    assert await insights.chats() == []
    await say(storage, chat, "hello", 1)
    async with storage.transaction() as tx:
        await tx.execute("UPDATE turns SET speaker = 'Änn_100%'")
    for words in ("", "nn_100%", "N_1", str(chat.key.telegram_id)[:3]):
        assert [one.key for one in await insights.chats(words)] == [chat.key], words
    for words in ("nn-100", "0%0", "zoe"):
        assert await insights.chats(words) == [], words


async def test_chats_are_found_by_names_of_any_script(storage: Storage, chat: Chat) -> None:
    insights = Insights(storage.database)
    await say(storage, chat, "hello", 1)
    async with storage.transaction() as tx:
        await tx.execute("UPDATE turns SET speaker = 'Ольга Straße 100%' WHERE chat_id = ?", (chat.id,))
    for words in ("ольга", "ОЛЬГА", "STRASSE", "0%", str(chat.key.telegram_id)[1:]):
        assert [line.name for line in await insights.chats(words)] == ["Ольга Straße 100%"], words
    for words in ("olga", "1%0", "_"):
        assert await insights.chats(words) == []
