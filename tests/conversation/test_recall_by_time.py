"""What is asked by time is found at that time, in many languages; who tells of a time asks for nothing."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bot.conversation.recall import NOTHING
from bot.conversation.tokens import estimate
from storage.records import NewTurn
from tests.conversation.conftest import DAY_S, History
from tests.conversation.told import BESIDE, TOLD
from tests.selection import first, some

NOW = datetime(2026, 11, 29, 15, tzinfo=UTC)
"""A Sunday."""
BESIDES = 200


async def told_over_a_year(history: History, language: str) -> None:
    said = [(datetime.fromisoformat(f"{day}T18:00+00:00"), text) for day, text, _ in TOLD[language]]
    beside = BESIDE[language]
    for at in range(BESIDES):
        text = f"{beside[at % 9]} {beside[(at + at // 9 + 1) % 9]}"
        said.append((NOW + timedelta(days=363 * at / BESIDES - 364), text))
    turns = [
        NewTurn(text, "\n", estimate(text), number, 5, speaker="Ann", said_at=at.timestamp())
        for number, (at, text) in enumerate(sorted(said), 1)
    ]
    history.now = NOW.timestamp()
    async with history.storage.transaction() as tx:
        await history.storage.transcript.append(tx, history.chat.id, turns, history.now)
    await history.index()


@pytest.mark.parametrize("language", some(TOLD, 3))
async def test_what_is_asked_by_time_is_found(history: History, language: str) -> None:
    await told_over_a_year(history, language)
    missed = [
        question for _, text, question in TOLD[language] if text not in (await history.find(question, budget=2400)).text
    ]
    assert missed == []


@pytest.mark.parametrize(
    "words",
    some(
        [
            "what did we talk about yesterday",
            "So. What did we talk about yesterday?",
            "о чём мы вчера говорили",
            "我们昨天聊了什么",
            "昨日は何を話した",
            "worüber haben wir gestern gesprochen",
            "dün ne konuştuk",
        ],
        3,
    ),
)
async def test_a_question_by_time_needs_no_mark(history: History, words: str) -> None:
    said = await history.say("The zebra escaped")
    history.now += DAY_S
    await history.small_talk(30)
    assert said in (await history.find(words)).turn_ids


@pytest.mark.parametrize(
    "words", first(["I went out yesterday.", "Вчера мы говорили.", "昨天我们聊过了。", "Yesterday was dull."], 2)
)
async def test_who_tells_of_a_time_asks_for_nothing(history: History, words: str) -> None:
    await history.say("The zebra escaped")
    history.now += DAY_S
    await history.small_talk(30)
    assert await history.find(words) == NOTHING


async def test_empty_day_changes_nothing(history: History) -> None:
    said = await history.say("The zebra escaped")
    history.now += 60 * DAY_S
    await history.small_talk(10)
    found = await history.find("Who escaped on 3 December?")
    assert said in found.turn_ids
    history.now += 60 * DAY_S
    assert await history.find("What happened on 19 February?") == NOTHING


async def test_who_is_wrong_about_the_day_is_answered(history: History) -> None:
    said = await history.say("The zebra escaped from the zoo")
    history.now += 10 * DAY_S
    await history.small_talk(100)
    history.now += DAY_S
    assert said in (await history.find("When did the zebra escape, was it yesterday?")).turn_ids


async def test_question_by_time_shows_all_its_parts(history: History) -> None:
    history.now += DAY_S
    ids = []
    for hour in range(20):
        ids += [await history.say(f"{hour} {word}" * 20) for word in ("moths", "lamps", "bells")]
        history.now += 3600
    await history.index()
    history.now += DAY_S / 2
    shown = sorted((await history.find("What did we talk about yesterday?")).turn_ids)
    assert shown[0] <= ids[6]
    assert shown[-1] >= ids[-6]
    assert max(after - before for before, after in pairwise(shown)) <= len(ids) / 3


async def test_month_matches_words_not_labels(history: History) -> None:
    """A month in a question does not bring up every turn dated in it."""
    history.now = datetime(2023, 6, 2, tzinfo=UTC).timestamp()
    for day in range(25):
        history.now += DAY_S * (day > 0)
        await history.say(f"lamp {day} hums")
    said = await history.say("a moth flew in, in June of all months")
    history.now += 100 * DAY_S
    await history.small_talk(5)
    recalled = await history.find("Did a moth fly in during June?", budget=300)
    assert said in recalled.turn_ids
    assert recalled.tokens <= 150


@pytest.mark.long
async def test_turns_of_long_period_are_sampled(history: History) -> None:
    turns = [NewTurn(f"{at}", "\n", 1, at + 1, 5, said_at=history.now + at) for at in range(1000)]
    async with history.storage.transaction() as tx:
        await history.storage.transcript.append(tx, history.chat.id, turns, history.now)
    await history.index()
    between = await history.storage.history.between(history.chat.id, history.now + 100, history.now + 900)
    assert between is not None
    first, last = between
    assert last - first == 799
    told = await history.storage.history.user_turns(history.chat.id, first, last, 50)
    assert len(told) == 50
    assert all(later.at - one.at <= 17 for one, later in pairwise(told))
