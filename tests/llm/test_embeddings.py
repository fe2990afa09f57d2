"""The real client against a real server: vectors in the order of the texts, and every failure a ModelError.

Models are given questions and passages in the form that they were trained on; one that is not known gets none.
"""

import base64
import json
import struct
from collections.abc import AsyncIterator

import pytest

from bot import errors
from bot.llm.embeddings import BATCH, MOST_CHARACTERS, Embeddings, Prefixes, add_prefix, prefixes
from bot.llm.interface import Purpose
from bot.llm.stream_events import ExtraRequest, Usage
from sandbox.model import Fail, Hang, ModelServer
from sandbox.model.embeddings import embed

E5 = Prefixes("query: ", "passage: ")


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[Embeddings]:
    async with server.run() as url:
        model = _model(url)
        yield model
        await model.close()


def _model(url: str, key: str = "sk-right", timeout: float = 5.0) -> Embeddings:
    return Embeddings(base_url=url, api_key=key, model="text-embedding-v4", timeout=timeout)


async def test_vectors_keep_order_of_texts_across_requests(server: ModelServer, model: Embeddings) -> None:
    texts = [f"text number {number}" for number in range(2 * BATCH + 1)]
    assert await model.embed(texts, Purpose.PASSAGE) == [embed(text, 384) for text in texts]
    assert [len(request.texts) for request in server.embeddings.requests] == [BATCH, BATCH, 1]


async def test_no_texts_are_no_request(server: ModelServer, model: Embeddings) -> None:
    assert await model.embed([], Purpose.PASSAGE) == []
    assert server.embeddings.requests == []


async def test_request_has_only_widely_supported_fields(server: ModelServer, model: Embeddings) -> None:
    await model.embed(["hello"], Purpose.PASSAGE)
    body = json.loads(server.embeddings.requests[0].body)
    assert body == {"model": "text-embedding-v4", "input": ["hello"], "encoding_format": "float"}


async def test_of_a_long_text_the_beginning_is_sent(server: ModelServer, model: Embeddings) -> None:
    await model.embed(["x" * 50_000], Purpose.PASSAGE)
    assert server.embeddings.requests[0].texts == ("x" * MOST_CHARACTERS,)


async def test_vectors_returned_out_of_order_are_sorted(server: ModelServer, model: Embeddings) -> None:
    data = [{"index": 1, "embedding": [0.0, 1.0]}, {"index": 0, "embedding": [1, 0]}]
    server.embeddings.script(Fail(200, body=json.dumps({"data": data}).encode()))
    assert await model.embed(["a", "b"], Purpose.PASSAGE) == [[1.0, 0.0], [0.0, 1.0]]


async def test_vectors_of_any_form_are_read(server: ModelServer, model: Embeddings) -> None:
    packed = [base64.b64encode(struct.pack("<2f", *vector)).decode() for vector in ([1.0, 0.0], [0.0, 1.0])]
    answers: dict[str, list[dict[str, object]]] = {
        "no index": [{"embedding": [1, 0]}, {"embedding": [0, 1]}],
        "the first index left out": [{"index": 1, "embedding": [0, 1]}, {"embedding": [1, 0]}],
        "null for an index": [{"index": None, "embedding": [1, 0]}, {"index": 1, "embedding": [0, 1]}],
        "counted from one": [{"index": 1, "embedding": [1, 0]}, {"index": 2, "embedding": [0, 1]}],
        "the same index for all": [{"index": 0, "embedding": [1, 0]}, {"index": 0, "embedding": [0, 1]}],
        "no numbers": [{"index": "a", "embedding": [1, 0]}, {"index": {}, "embedding": [0, 1]}],
        "negative": [{"index": -1, "embedding": [1, 0]}, {"index": 0, "embedding": [0, 1]}],
        "far away": [{"index": 7, "embedding": [1, 0]}, {"index": 10**30, "embedding": [0, 1]}],
        "texts": [{"index": "0", "embedding": ["1.0", "0"]}, {"index": "1", "embedding": ["0e0", "1"]}],
        "fractions": [{"index": 1.0, "embedding": [0, 1]}, {"index": 0.0, "embedding": [1, 0]}],
        "base64": [{"index": 1, "embedding": packed[1]}, {"index": 0, "embedding": packed[0]}],
        "lists in lists": [{"index": 0, "embedding": [[1, 0]]}, {"index": 1, "embedding": [[0, 1]]}],
    }
    for name, data in answers.items():
        server.embeddings.script(Fail(200, body=json.dumps({"data": data}).encode()))
        assert await model.embed(["a", "b"], Purpose.PASSAGE) == [[1.0, 0.0], [0.0, 1.0]], name


async def test_vectors_may_stand_elsewhere(server: ModelServer, model: Embeddings) -> None:
    vectors: list[object] = [[1.0, 0.0], [0.0, 1.0]]
    for answer in (vectors, [{"embedding": one} for one in vectors], {"embeddings": vectors}, {"data": vectors}):
        server.embeddings.script(Fail(200, body=json.dumps(answer).encode()))
        assert await model.embed(["a", "b"], Purpose.PASSAGE) == vectors, answer


async def test_what_each_request_took_is_told(server: ModelServer, model: Embeddings) -> None:
    reports: dict[str, tuple[object, int | None]] = {
        "usual": ({"prompt_tokens": 9, "total_tokens": 9}, 9),
        "a total alone": ({"total_tokens": 9}, 9),
        "input": ({"input_tokens": 9}, 9),
        "zeros": ({"prompt_tokens": 0, "total_tokens": 0}, None),
        "none": (None, None),
        "a list": ([9], None),
    }
    for name, (usage, count) in reports.items():
        took: list[ExtraRequest] = []
        body = {"data": [{"index": 0, "embedding": [1.0]}], "usage": usage}
        server.embeddings.script(Fail(200, body=json.dumps(body).encode()))
        await model.embed(["x" * 40], Purpose.PASSAGE, took)
        assert took == [ExtraRequest(10, 0, Usage(count, 0, 0) if count else None)], name


async def test_a_failure_in_an_answer_is_told_apart(server: ModelServer, model: Embeddings) -> None:
    server.embeddings.script(Fail(200, body=b'{"error": {"code": 429, "message": "slow down"}}'))
    with pytest.raises(errors.RateLimited):
        await model.embed(["a"], Purpose.PASSAGE)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>hello</html>",
        b"[]",
        b'{"data": []}',
        b'{"data": null}',
        b'{"data": [{"embedding": [1.0]}, {"embedding": [1.0]}]}',
        b'{"data": [{"index": 0, "embedding": []}]}',
        b'{"data": [{"index": 0, "embedding": ["x"]}]}',
        b'{"data": [{"index": 0, "embedding": [NaN]}]}',
        b'{"data": [{"index": 0}]}',
        b'{"data": "none"}',
        b'{"data": [{"index": 0, "embedding": "123"}]}',
        b'{"data": [{"index": 0, "embedding": "AACAPw=="}, {"index": 0, "embedding": 5}]}',
        b'{"data": [{"index": 0, "embedding": [1%s]}]}' % (b"0" * 400),
        b'{"data": [{"index": 0, "embedding": {"float": [1.0]}}]}',
        b'{"data": [null]}',
        b'{"data": %s' % (b"[" * 100_000),
    ],
)
async def test_an_answer_that_is_none_is_server_trouble(server: ModelServer, model: Embeddings, body: bytes) -> None:
    server.embeddings.script(Fail(200, body=body))
    with pytest.raises(errors.ServerTrouble):
        await model.embed(["a"], Purpose.PASSAGE)


async def test_mixed_dimensions_are_server_trouble(server: ModelServer, model: Embeddings) -> None:
    data = [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 0.0]}]
    server.embeddings.script(Fail(200, body=json.dumps({"data": data}).encode()))
    with pytest.raises(errors.ServerTrouble):
        await model.embed(["a", "b"], Purpose.PASSAGE)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Fail(401, "Incorrect API key"), errors.WrongKey),
        (Fail(404, "model not found"), errors.NoPermission),
        (Fail(429, "slow down"), errors.RateLimited),
        (Fail(400, "Input data may contain inappropriate content"), errors.ContentRefused),
        (Fail(503, "overloaded"), errors.ServerTrouble),
    ],
)
async def test_failures_are_told_apart(
    server: ModelServer, model: Embeddings, failure: Fail, kind: type[errors.ModelError]
) -> None:
    server.embeddings.script(failure)
    with pytest.raises(kind):
        await model.embed(["a"], Purpose.PASSAGE)


async def test_a_server_that_keeps_silent_is_given_up(server: ModelServer) -> None:
    server.embeddings.script(Hang())
    async with server.run() as url:
        model = _model(url, timeout=0.05)
        with pytest.raises(errors.NoAnswerInTime):
            await model.embed(["a"], Purpose.PASSAGE)
        await model.close()


async def test_an_error_tells_nothing_of_the_texts(server: ModelServer, model: Embeddings) -> None:
    text = "my sister has the cancer that took our mother"
    for status in (200, 400, 500):
        server.embeddings.script(Fail(status, body=f'{{"error": "I do not embed: {text[:40]}"}}'.encode()))
        with pytest.raises(errors.ModelError) as caught:
            await model.embed([text], Purpose.PASSAGE)
        assert "I do not embed" in str(caught.value)
        assert "sister" not in str(caught.value)


@pytest.mark.parametrize("name", ["intfloat/multilingual-e5-large", "e5-base-v2", "Multilingual-E5-small:latest"])
def test_e5_has_a_prefix_on_both_sides(name: str) -> None:
    assert prefixes(name) == E5


@pytest.mark.parametrize(
    "name",
    ["multilingual-e5-large-instruct", "Qwen/Qwen3-Embedding-0.6B", "qwen3-embedding:8b", "gte-Qwen2-7B-instruct"],
)
def test_models_with_instructions_have_them_before_questions_only(name: str) -> None:
    assert add_prefix(name, "where?", Purpose.QUERY).startswith("Instruct: Given ")
    assert add_prefix(name, "where?", Purpose.QUERY).endswith("where?")
    assert add_prefix(name, "there", Purpose.PASSAGE) == "there"


@pytest.mark.parametrize(
    ("name", "query", "passage"),
    [
        ("nomic-embed-text:v1.5", "search_query: ", "search_document: "),
        ("BAAI/bge-large-zh-v1.5", "为这个句子生成表示以用于检索相关文章：", ""),
        ("bge-small-en-v1.5", "Represent this sentence for searching relevant passages: ", ""),
        ("snowflake-arctic-embed-l-v2.0", "query: ", ""),
        ("google/embeddinggemma-300m", "task: search result | query: ", "title: none | text: "),
    ],
)
def test_other_families_have_their_own(name: str, query: str, passage: str) -> None:
    assert prefixes(name) == Prefixes(query, passage)


@pytest.mark.parametrize(
    "name", ["text-embedding-v3", "text-embedding-v4", "text-embedding-3-small", "bge-m3", "gte-multilingual-base", "x"]
)
def test_others_have_none(name: str) -> None:
    assert prefixes(name) == Prefixes()


async def test_a_server_is_sent_them() -> None:
    server = ModelServer()
    async with server.run() as url:
        model = Embeddings(base_url=url, api_key="sk", model="multilingual-e5-base", timeout=5)
        await model.embed(["where?"], Purpose.QUERY)
        await model.embed(["there"], Purpose.PASSAGE)
        await model.close()
    assert [request.texts for request in server.embeddings.requests] == [("query: where?",), ("passage: there",)]
