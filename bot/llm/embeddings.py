"""What stands before a text that is embedded: many models were trained on texts that say whether they ask.

A wrong prefix raises no error, it only finds less; so a model that is not known gets none.

Embeddings, as every OpenAI-compatible server speaks them: texts go in, vectors come out, in the same order.
"""

import base64
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain
from math import isfinite

import openai

from bot.errors import ModelError, ServerTrouble
from bot.llm.client import client
from bot.llm.error_bodies import without_words_of
from bot.llm.failures import failure_in, translate, unreached
from bot.llm.interface import ExtraRequest, Purpose, Usage
from bot.llm.lenient import Object, mapping
from bot.llm.request_queue import Rank, RequestQueue, in_turn
from bot.llm.usage_report import read_only

_TASK = "Given a message in a chat, retrieve earlier messages that help to answer it"
"""Models that take an instruction want one sentence in English, whatever the language of the texts."""
_BGE = "Represent this sentence for searching relevant passages: "
BATCH = 10
"""Texts in a request: the most that Model Studio's text-embedding-v4 takes (its page on OpenAI-compatible embeddings);
others take more."""
MOST_CHARACTERS = 2000
"""Of a longer text the beginning is sent, which says what it is about: models of 2,048 tokens a text are in use."""
BYTES_A_TOKEN = 4
RETRIES = 1
CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What stands before a question, and before what is searched."""

    query: str = ""
    passage: str = ""


_INSTRUCTED = Prefixes(query=f"Instruct: {_TASK}\nQuery: ")


_NONE = Prefixes()


# By the model's name, in small letters and without its owner; the first pattern that fits counts.
_KNOWN = (
    # intfloat/multilingual-e5-large-instruct and e5-mistral-7b-instruct, model cards: an instruction, questions only.
    ("*e5-*instruct*", _INSTRUCTED),
    # intfloat/e5-* and multilingual-e5-*, model cards: "query: " and "passage: ", also where the text is no English.
    ("*e5-*", Prefixes("query: ", "passage: ")),
    # Qwen/Qwen3-Embedding-*, model card: "Instruct: ...\nQuery:" before questions. Model Studio's text-embedding-v3 and
    # v4 tell the two apart by text_type, which its OpenAI-compatible interface does not have: no prefix there.
    ("qwen3-embedding*", Prefixes(query=f"Instruct: {_TASK}\nQuery:")),
    # Alibaba-NLP/gte-Qwen*-instruct, model cards; gte-multilingual-base, gte-large-en-v1.5 and thenlper/gte-*: none.
    ("gte-qwen*", _INSTRUCTED),
    # BAAI, FlagEmbedding's list of models: bge-m3 none, the Chinese and the English ones an instruction each.
    ("bge-m3*", _NONE),
    ("bge-*-zh*", Prefixes(query="为这个句子生成表示以用于检索相关文章：")),
    ("bge-*-en*", Prefixes(query=_BGE)),
    ("bge-small*", Prefixes(query=_BGE)),
    ("bge-base*", Prefixes(query=_BGE)),
    ("bge-large*", Prefixes(query=_BGE)),
    # nomic-ai/nomic-embed-text-v1, v1.5 and v2-moe, model cards.
    ("nomic-embed-text*", Prefixes("search_query: ", "search_document: ")),
    # mixedbread-ai/mxbai-embed-large-v1, model card: BGE's sentence.
    ("mxbai-embed-large*", Prefixes(query=_BGE)),
    # Snowflake, model cards: "query: " from v2.0 on, BGE's sentence before; Ollama calls v2.0 "arctic-embed2".
    ("snowflake-arctic-embed*v2*", Prefixes(query="query: ")),
    ("snowflake-arctic-embed2*", Prefixes(query="query: ")),
    ("snowflake-arctic-embed*", Prefixes(query=_BGE)),
    # google/embeddinggemma-300m, model card.
    ("embeddinggemma*", Prefixes("task: search result | query: ", "title: none | text: ")),
)


def prefixes(model: str) -> Prefixes:
    """Those of a model, by its name as servers give it: ``intfloat/multilingual-e5-large``, ``bge-m3:latest``."""
    name = model.lower().rsplit("/", 1)[-1]
    return next((known for pattern, known in _KNOWN if fnmatchcase(name, pattern)), _NONE)


def prefixed(model: str, text: str, purpose: Purpose) -> str:
    """A text as the model wants to have it."""
    known = prefixes(model)
    return (known.query if purpose is Purpose.QUERY else known.passage) + text


class Embeddings:
    """A model behind ``POST {base_url}/embeddings``."""

    def __init__(
        self, *, base_url: str, api_key: str | None, model: str, timeout: float, gate: RequestQueue | None = None
    ) -> None:
        """`api_key` None: none is sent; `timeout`: the longest silence of the server, in seconds."""
        self.name = model
        self._gate, self._retries = gate or RequestQueue(base_url), RETRIES
        self._client = client(base_url, api_key, silence=timeout, connect=CONNECT_TIMEOUT_S)

    async def embed(
        self, texts: Sequence[str], purpose: Purpose, took: list[ExtraRequest] | None = None
    ) -> list[list[float]]:
        """See Embedder.embed."""
        texts = [prefixed(self.name, text[:MOST_CHARACTERS], purpose) for text in texts]
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        took = [] if took is None else took
        rank = Rank.GOES_ON if purpose is Purpose.QUERY else Rank.BACKGROUND
        vectors = list(chain.from_iterable([await self._batch(batch, rank, took) for batch in batches]))
        if len({len(vector) for vector in vectors}) > 1:
            raise unreached(ServerTrouble("the vectors of one answer differ in their dimension"))  # whatever the text
        return vectors

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _batch(self, texts: Sequence[str], rank: Rank, took: list[ExtraRequest]) -> list[list[float]]:
        try:
            once = partial(self._answer, texts, took)
            return await in_turn(once, self._gate, rank, None, self._retries)
        except ModelError as exc:
            exc.args = tuple(without_words_of(texts, str(part)) for part in exc.args)
            raise

    async def _answer(self, texts: Sequence[str], took: list[ExtraRequest]) -> list[list[float]]:
        try:
            # The raw answer, since the client takes whatever it is for vectors. It asks for base64 unless told
            # otherwise, which not every server speaks.
            answer = await self._client.embeddings.with_raw_response.create(
                model=self.name, input=list(texts), encoding_format="float"
            )
        except openai.OpenAIError as exc:
            raise translate(exc, streaming=False) from exc
        vectors, usage = _vectors(answer.content, len(texts), answer.http_response.url.host)
        took.append(ExtraRequest(sum(len(text.encode()) for text in texts) // BYTES_A_TOKEN, 0, usage))
        return vectors


def _vectors(content: bytes, count: int, host: str) -> tuple[list[list[float]], Usage | None]:
    """The vectors of an answer in the order of the texts, whatever order the server gave them, and what it took."""
    try:
        answer = json.loads(content)
        if (told := failure_in(mapping(answer), host=host)) is not None:
            raise told
        items = _items(answer)
        given = [_vector(item["embedding"]) for item in items]
        vectors = [given[at] for at in _order(items, count)]
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError, struct.error) as exc:
        raise ServerTrouble(f"the answer does not hold {count} vectors: {content[:200]!r}") from exc
    if not all(vector and all(map(isfinite, vector)) for vector in vectors):
        raise ServerTrouble("the answer has a vector that is none")
    return vectors, read_only(mapping(answer).get("usage"))


def _items(answer: object) -> list[Object]:
    """What has the vectors in it; some servers send nothing else, or nothing but them."""
    if isinstance(answer, dict):
        answer = answer["data"] if "data" in answer else answer["embeddings"]
    return [item if isinstance(item, dict) else {"embedding": item} for item in _list(answer)]


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"a list that is {type(value).__name__}")
    return value


def _order(items: Sequence[Object], count: int) -> list[int]:
    """Where each text's vector stands.

    Gemini leaves out an index that is 0. Others leave out all, begin with 1, or say 0 of each: they keep the order.
    """
    if len(items) != count:
        raise ValueError(f"{len(items)} vectors")
    given = [str(item.get("index") or 0).removesuffix(".0") for item in items]
    places = {index: at for at, index in enumerate(given)}
    in_order = [places.get(str(index)) for index in range(count)]
    return [at for at in in_order if at is not None] if None not in in_order else list(range(count))


def _vector(given: object) -> list[float]:
    """Numbers, or their bytes in base64, which some servers send though they were not asked for it."""
    if isinstance(given, str):
        data = base64.b64decode(given, validate=True)
        return list(struct.unpack(f"<{len(data) // 4}f", data))
    if not isinstance(given, list):
        raise TypeError(f"a vector that is {type(given).__name__}")
    if len(given) == 1 and isinstance(given[0], list):  # llama.cpp's own interface
        given = given[0]
    return [float(number) for number in given]
