"""Little is recalled for words that ask for nothing, and less in a small window."""

from functools import partial
from math import inf

import pytest

from bot.conversation.recall import SMALL_TALK_TOKENS, UNASKED_OF_WINDOW
from tests.conversation.conftest import History
from tests.conversation.test_recall import Meaning


@pytest.mark.parametrize("words", ["?", "🍕?", "What is it?", "How are you?"])
async def test_question_without_meaningful_words_is_thrifty(words: str, history: History) -> None:
    said = await history.talk(*[f"Number {n}: {'a long tale of many words ' * 8}" for n in range(60)])
    found = await history.find(words, budget=2400, semantic=Meaning(said, near=1.7))
    assert found.tokens <= SMALL_TALK_TOKENS


async def test_one_word_that_matches_by_chance_is_thrifty(history: History) -> None:
    said = await history.talk(*[f"Number {n}: {'a long tale of many words ' * 8}" for n in range(60)])
    near = Meaning(said, near=1.65)
    assert (await history.find("how lovely", budget=2400, semantic=near)).tokens <= SMALL_TALK_TOKENS
    assert (await history.find("how lovely was she?", budget=2400, semantic=near)).tokens > SMALL_TALK_TOKENS


async def test_common_phrase_is_thrifty_rare_one_not(history: History) -> None:
    rare = await history.talk("The marigold regatta was moved", "ok", *["a long tale of many other words " * 8] * 4)
    said = await history.talk(*[f"good morning {'a long tale of many words ' * 8}", "hi"] * 40)
    assert (await history.find("good morning", budget=2400, semantic=Meaning(said))).tokens <= SMALL_TALK_TOKENS
    near = Meaning(rare[:1], rare[1:] + said)
    assert (await history.find("marigold regatta", budget=2400, semantic=near)).tokens > SMALL_TALK_TOKENS


async def test_small_window_is_thrifty_where_nothing_is_asked(history: History) -> None:
    told = "The marigold regatta was moved"
    rare = await history.talk(told, "ok", *["a long tale of many other words " * 8] * 4)
    said = await history.talk(*[f"good morning {'a long tale of many words ' * 8}", "hi"] * 40)
    find = partial(history.find, budget=2400, semantic=Meaning(rare[:1], rare[1:] + said))
    small, large, unknown = [await find("marigold regatta", window=size) for size in (8_192, 32_768, inf)]
    assert told in small.text
    assert small.tokens <= 8_192 * UNASKED_OF_WINDOW < SMALL_TALK_TOKENS < large.tokens
    assert large == unknown
    assert told in (await find("marigold regatta", window=2_048)).text
    asked = [await find("When was the marigold regatta?", window=size) for size in (8_192, inf)]
    assert asked[0] == asked[1]
    assert asked[0].tokens > SMALL_TALK_TOKENS
