"""What was learned of model servers is there after a restart, for a while."""

from dataclasses import replace

import pytest

from bot.llm.learned import Learned
from bot.llm.learned_facts import KEPT_S, LIMIT_KEPT_S, LearnedFacts
from bot.llm.openai_server import OpenAIServer
from bot.llm.profiles import ModelProfile
from bot.llm.responses import Responses
from storage import Storage

FACTS = Learned(frozenset({"stream_options", "tools"}), 4096, 32_768, keeps_nothing=True)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def _server(**extra_body: str) -> OpenAIServer:
    return OpenAIServer(Responses, base_url="http://a:1/v1", api_key="any", extra_body=extra_body, timeout=1.0)


async def test_learned_facts_survive_restart(storage: Storage) -> None:
    clock = Clock()
    learning = await LearnedFacts.open(storage.database, storage.servers, clock)
    learning.keep("Chat a:1", "m", Learned(limit=9000))
    learning.keep("Chat a:1", "m", FACTS)
    await learning.close()
    again = await LearnedFacts.open(storage.database, storage.servers, clock)
    assert again.of("Chat a:1", "m") == FACTS
    assert again.of("Chat a:1", "another") == again.of("Chat b:1", "m") == Learned()


async def test_what_was_learned_long_ago_is_tried_anew(storage: Storage) -> None:
    clock = Clock()
    learning = await LearnedFacts.open(storage.database, storage.servers, clock)
    learning.keep("Chat a:1", "m", FACTS)
    await learning.close()
    clock.now += LIMIT_KEPT_S + 1
    assert (await LearnedFacts.open(storage.database, storage.servers, clock)).of("Chat a:1", "m") == replace(
        FACTS, limit=None
    )
    clock.now += KEPT_S
    assert (await LearnedFacts.open(storage.database, storage.servers, clock)).of("Chat a:1", "m") == Learned()


@pytest.mark.parametrize("stored", ["", "[]", "{", '{"refused": 1, "limit": "x", "window": null}', '{"limit": -1}'])
def test_what_makes_no_sense_is_nothing_learned(stored: str) -> None:
    assert Learned.from_json(stored) == Learned()


async def test_model_adopts_facts_learned_about_it(storage: Storage) -> None:
    learning = await LearnedFacts.open(storage.database, storage.servers, Clock())
    server = _server()
    early = server.of("qwen-plus")
    for name in ("qwen-plus", "qwen-max"):
        learning.keep(server.facts_key(_server().of(name)), name, FACTS)
    server.remember(learning)
    for model in (early, server.of("qwen-max")):
        assert (model.limit, model.calls, model.learned.refused) == (4096, False, FACTS.refused)
        model.know(ModelProfile(context_window=FACTS.window, tools=True))
        assert (model.limit, model.calls) == (4096, False)
        model.know(ModelProfile(context_window=65_536))
        assert model.limit is None
    early.learn_limit(2000)
    await learning.close()
    again = await LearnedFacts.open(storage.database, storage.servers, Clock())
    assert again.of(server.facts_key(early), "qwen-plus").limit == 2000
    await server.close()


async def test_what_the_operator_says_otherwise_is_tried_anew(storage: Storage) -> None:
    learning = await LearnedFacts.open(storage.database, storage.servers, Clock())
    first = _server()
    learning.keep(first.facts_key(first.of("qwen-plus")), "qwen-plus", FACTS)
    for server, known in ((_server(), FACTS.refused), (_server(reasoning_effort="low"), frozenset())):
        server.remember(learning)
        assert server.of("qwen-plus").learned.refused == known
    await learning.close()
