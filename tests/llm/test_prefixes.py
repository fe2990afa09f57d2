"""Models are given questions and passages in the form that they were trained on; one that is not known gets none."""

import pytest

from bot.llm.embeddings import Embeddings, Prefixes, add_prefix, prefixes
from bot.llm.interface import Purpose
from sandbox.model import ModelServer

E5 = Prefixes("query: ", "passage: ")


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
