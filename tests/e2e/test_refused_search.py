"""The search for what a content filter refuses: somebody waits for the answer, and somebody pays for it."""

import re

import pytest

from bot.conversation import refusal_search
from sandbox.model import Hang, Say
from tests.e2e.conftest import Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_compaction import talk
from tests.e2e.test_memory import say
from tests.e2e.test_refused_words import REFUSAL, WORD, Filter
from tests.e2e.test_refused_words import _holds as holds


async def test_a_search_that_hangsholds_up_nobody(stage: Stage, hurry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusal_search, "PROBE_S", 0.1)
    filtered, answer = Filter(stage, on=False), stage.model.answer_with
    await stage.start()
    await say(stage, f"a {WORD}")
    await talk(stage, 3)
    filtered.on = True
    answer(
        lambda asked: (
            Hang() if refusal_search.PROBE in asked.messages[0].text else REFUSAL if holds(asked) else Say("fine")
        )
    )
    assert await say(stage, "and the weather?") == "fine"


@pytest.mark.long
async def test_of_a_probe_a_few_words_are_read(stage: Stage, hurry: None) -> None:
    filtered = Filter(stage, on=False)
    await stage.start()
    await say(stage, f"a {WORD}")
    await talk(stage, 3)
    filtered.on = True
    talks = Say("fine " * 3000)
    stage.model.answer_with(
        lambda asked: (
            REFUSAL if holds(asked) else talks if refusal_search.PROBE in asked.messages[0].text else Say("fine")
        )
    )
    assert await say(stage, "and the weather?") == "fine"
    await stage.replies(6)
    said = re.search(r"out: ([\d,]+)", await say(stage, "/usage"))
    assert said is not None
    assert int(said[1].replace(",", "")) < 1000
