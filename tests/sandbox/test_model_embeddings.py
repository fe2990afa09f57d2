import json
from itertools import combinations
from math import sqrt

import openai
import pytest
from openai import AsyncOpenAI

from sandbox.model import Fail, ModelServer
from sandbox.model.embeddings import embed


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_each_text_has_a_vector_in_its_place(client: AsyncOpenAI, model: ModelServer) -> None:
    answer = await client.embeddings.create(model="m", input=["one", "two"], encoding_format="float")
    assert [item.index for item in answer.data] == [0, 1]
    assert [item.embedding for item in answer.data] == [embed("one", 384), embed("two", 384)]
    assert answer.usage.prompt_tokens == 2
    assert model.embeddings.requests[0].texts == ("one", "two")


async def test_base64_is_the_same_vector(client: AsyncOpenAI, model: ModelServer) -> None:
    answer = await client.embeddings.create(model="m", input="painting")  # the client asks for base64 by itself
    assert model.embeddings.requests[0].base64
    assert answer.data[0].embedding == pytest.approx(embed("painting", 384), abs=1e-6)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model": ""}, "model"),
        ({"input": []}, "list of texts"),
        ({"input": ["x"] * 11}, "batch size"),
        ({"input": ["x", ""]}, r"input\.\[1\]"),
        ({"input": [1, 2]}, r"input\.\[0\]"),
        ({"input": "x" * 40_000}, "range of input length"),
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"dimension": 12}, "dimension is not known"),
    ],
)
async def test_what_a_real_server_refuses_is_refused(
    client: AsyncOpenAI, model: ModelServer, change: dict[str, object], reason: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=reason):
        await client.post("/embeddings", body={"model": "m", "input": ["x"], **change}, cast_to=object)
    assert model.embeddings.requests == []


async def test_a_key_is_asked_for() -> None:
    model = ModelServer(key="sk-right")
    async with model.run() as url, AsyncOpenAI(base_url=url, api_key="sk-wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            await client.embeddings.create(model="m", input="x")


async def test_failures_come_as_scripted(client: AsyncOpenAI, model: ModelServer) -> None:
    model.embeddings.script(None, Fail(503, "overloaded"))
    await client.embeddings.create(model="m", input="x")
    with pytest.raises(openai.InternalServerError, match="overloaded"):
        await client.embeddings.create(model="m", input="x")
    model.embeddings.fail_when(lambda asked: Fail(400, "no") if "bad" in asked.texts else None)
    with pytest.raises(openai.BadRequestError):
        await client.embeddings.create(model="m", input=["good", "bad"])
    await client.embeddings.create(model="m", input="good")


async def test_the_dimension_can_change_under_the_client(client: AsyncOpenAI, model: ModelServer) -> None:
    model.embeddings.dimension = 8
    answer = await client.embeddings.create(model="m", input="x", encoding_format="float")
    assert len(answer.data[0].embedding) == 8


def test_texts_sharing_words_are_near() -> None:
    asked = embed("Where did Melanie go painting?", 384)
    near = embed("Melanie painted a lake at sunrise", 384)
    far = embed("The invoice is due on Friday", 384)
    assert cosine(asked, near) > cosine(asked, far) + 0.1


@pytest.mark.parametrize("text", ["hello", "", "?!", "Где ключи", "钥匙在哪里", "a\nb"])
def test_every_text_has_a_vector_of_length_one(text: str) -> None:
    vector = embed(text, 384)
    assert sqrt(cosine(vector, vector)) == pytest.approx(1, abs=1e-4)
    assert vector == embed(text, 384)


def test_unlike_texts_have_unlike_vectors() -> None:
    vectors = [embed(text, 384) for text in ("hello", "good bye", "key", "钥匙", "ключи")]
    assert all(cosine(one, other) < 0.5 for one, other in combinations(vectors, 2))


async def test_the_answer_names_the_model_that_was_asked(client: AsyncOpenAI) -> None:
    raw = await client.embeddings.with_raw_response.create(model="mine", input="x")
    assert json.loads(raw.content)["model"] == "mine"
