"""Whatever a model server streams becomes an answer or an error of the model, however its bytes are cut."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ModelError
from bot.llm.chat_completions import ChatCompletions
from bot.llm.openai_server import OpenAIServer
from bot.llm.server_sent_events import Event, parse_events
from sandbox.model import ModelServer, Raw
from tests.fuzz.mutations import VALUES, changed_bytes, changed_json, fuzzed
from tests.llm.streams import HELLO, answer, chunk, data, say, stream, text_of

CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "recall", "arguments": '{"query": "x"}'}}
CHUNKS = st.sampled_from([*HELLO, say("<think>"), say("</think>"), chunk(reasoning="hm"), chunk(tool_calls=[CALL])])
LINES = st.sampled_from(["", "[DONE]", "ping", "{", "null", "[]", '"', "event: error"])
OTHERS = VALUES.map(lambda value: json.dumps(value) if isinstance(value, str) else value)
EVENTS = st.lists(changed_json(CHUNKS) | CHUNKS | OTHERS | LINES, max_size=6).map(lambda events: data(*events))
BODIES = st.one_of(EVENTS, EVENTS.map(lambda body: body + stream(*HELLO)), changed_bytes(st.just(stream(*HELLO))))


@fuzzed(60)
@given(BODIES, st.lists(st.integers(0, 300), max_size=8))
def test_cuts_between_bytes_change_nothing(body: bytes, cuts: Sequence[int]) -> None:
    pieces = [body[start:end] for start, end in pairwise([0, *sorted(cuts), len(body)])]
    assert asyncio.run(_events(pieces)) == asyncio.run(_events([body]))


@fuzzed(25)
@given(BODIES)
def test_any_stream_is_answer_or_model_error(body: bytes) -> None:
    asyncio.run(_answered(body))


async def _events(pieces: Sequence[bytes]) -> list[Event | type[ModelError] | None]:
    async def sent() -> AsyncGenerator[bytes, None]:
        for piece in pieces:
            yield piece

    found: list[Event | type[ModelError] | None] = []
    try:
        async for event in parse_events(sent(), "a server"):
            found.append(event)  # noqa: PERF401 - what came before an error counts
    except ModelError as exc:
        found.append(type(exc))
    return found


async def _answered(body: bytes) -> None:
    server = ModelServer()
    server.always(Raw(body))
    async with server.run() as url:
        models = OpenAIServer(ChatCompletions, base_url=url, api_key="k", extra_body={}, timeout=5.0)
        try:
            text_of(await answer(models.of("some-model"))).encode()
        except ModelError as exc:
            str(exc).encode()
        finally:
            await models.close()
