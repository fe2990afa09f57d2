"""Embeddings from an OpenAI-compatible server: texts in, vectors out, in the same order.

Many models were trained with prefixes that tell a query from a passage. A wrong prefix raises no error, it only lowers
recall, so unknown models get none.
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
from bot.llm.client import make_client
from bot.llm.error_bodies import redact_prompt
from bot.llm.failures import failure_in, mark_unreached, translate
from bot.llm.interface import Purpose
from bot.llm.lenient import Object, mapping
from bot.llm.repeated_words import redact_words
from bot.llm.request_queue import Rank, RequestQueue, in_turn
from bot.llm.stream_events import ExtraRequest, Usage
from bot.llm.usage_report import parse_input_usage

_TASK = "Given a message in a chat, retrieve earlier messages that help to answer it"
"""Instruction-tuned models expect one English sentence, whatever the language of the texts."""
_BGE = "Represent this sentence for searching relevant passages: "
BATCH = 10
"""Texts per request: the limit of Model Studio's text-embedding-v4 (documentation of its OpenAI-compatible interface);
other models accept more."""
MOST_CHARACTERS = 2000
"""Only the beginning of a longer text is sent; it says what the text is about. Some models read just 2,048 tokens."""
BYTES_A_TOKEN = 4
RETRIES = 1
CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The texts to put in front of a query and of a passage."""

    query: str = ""
    passage: str = ""


_INSTRUCTED = Prefixes(query=f"Instruct: {_TASK}\nQuery: ")


_NONE = Prefixes()


# Keyed by lower-case model name without its owner; the first matching pattern wins.
_KNOWN = (
    # intfloat/multilingual-e5-large-instruct and e5-mistral-7b-instruct, model cards: an instruction, for queries
    # only.
    ("*e5-*instruct*", _INSTRUCTED),
    # intfloat/e5-* and multilingual-e5-*, model cards: "query: " and "passage: ", for all languages.
    ("*e5-*", Prefixes("query: ", "passage: ")),
    # Qwen/Qwen3-Embedding-*, model card: "Instruct: ...\nQuery:" before queries. Model Studio's text-embedding-v3 and
    # v4 have a text_type parameter instead, which its OpenAI-compatible interface lacks: no prefix there.
    ("qwen3-embedding*", Prefixes(query=f"Instruct: {_TASK}\nQuery:")),
    # Alibaba-NLP/gte-Qwen*-instruct, model cards; gte-multilingual-base, gte-large-en-v1.5 and thenlper/gte-*: none.
    ("gte-qwen*", _INSTRUCTED),
    # BAAI, FlagEmbedding's model list: bge-m3 none, the Chinese and English models an instruction each.
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
    # Snowflake, model cards: "query: " since v2.0, BGE's sentence before; Ollama calls v2.0 "arctic-embed2".
    ("snowflake-arctic-embed*v2*", Prefixes(query="query: ")),
    ("snowflake-arctic-embed2*", Prefixes(query="query: ")),
    ("snowflake-arctic-embed*", Prefixes(query=_BGE)),
    # google/embeddinggemma-300m, model card.
    ("embeddinggemma*", Prefixes("task: search result | query: ", "title: none | text: ")),
)


def prefixes(model: str) -> Prefixes:
    """The prefixes for a model name as servers write it: ``intfloat/multilingual-e5-large``, ``bge-m3:latest``."""
    name = model.lower().rsplit("/", 1)[-1]
    return next((known for pattern, known in _KNOWN if fnmatchcase(name, pattern)), _NONE)


def add_prefix(model: str, text: str, purpose: Purpose) -> str:
    """The text with the model's prefix."""
    known = prefixes(model)
    return (known.query if purpose is Purpose.QUERY else known.passage) + text


class Embeddings:
    """A model at ``POST {base_url}/embeddings``."""

    def __init__(
        self, *, base_url: str, api_key: str | None, model: str, timeout: float, gate: RequestQueue | None = None
    ) -> None:
        """`api_key`: None sends none; `timeout`: seconds of silence allowed."""
        self.name, self.base_url = model, base_url
        self._gate, self._retries = gate or RequestQueue(base_url), RETRIES
        self._client = make_client(base_url, api_key, silence=timeout, connect=CONNECT_TIMEOUT_S)

    async def embed(
        self, texts: Sequence[str], purpose: Purpose, requests: list[ExtraRequest] | None = None
    ) -> list[list[float]]:
        texts = [add_prefix(self.name, text[:MOST_CHARACTERS], purpose) for text in texts]
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        requests = [] if requests is None else requests
        rank = Rank.GOES_ON if purpose is Purpose.QUERY else Rank.BACKGROUND
        vectors = list(chain.from_iterable([await self._batch(batch, rank, requests) for batch in batches]))
        if len({len(vector) for vector in vectors}) > 1:
            raise mark_unreached(
                ServerTrouble("the vectors of one answer have different dimensions")
            )  # no text is to blame
        return vectors

    async def close(self) -> None:
        await self._client.close()

    async def _batch(self, texts: Sequence[str], rank: Rank, requests: list[ExtraRequest]) -> list[list[float]]:
        try:
            once = partial(self._answer, texts, requests)
            return await in_turn(once, self._gate, rank, None, self._retries)
        except ModelError as exc:
            exc.args = tuple(redact_words(texts, redact_prompt(texts, str(part))) for part in exc.args)
            raise

    async def _answer(self, texts: Sequence[str], requests: list[ExtraRequest]) -> list[list[float]]:
        try:
            # The raw response, because openai's client would accept anything as vectors. The client defaults to
            # base64, which not every server supports.
            answer = await self._client.embeddings.with_raw_response.create(
                model=self.name, input=list(texts), encoding_format="float"
            )
        except openai.OpenAIError as exc:
            raise translate(exc, streaming=False) from exc
        vectors, usage = _vectors(answer.content, len(texts), answer.http_response.url.host)
        requests.append(ExtraRequest(sum(len(text.encode()) for text in texts) // BYTES_A_TOKEN, 0, usage))
        return vectors


def _vectors(content: bytes, count: int, host: str) -> tuple[list[list[float]], Usage | None]:
    """The vectors in the order of the texts, whatever order the server used, and the reported usage."""
    try:
        answer = json.loads(content)
        if (error := failure_in(mapping(answer), host=host)) is not None:
            raise error
        items = _items(answer)
        given = [_vector(item["embedding"]) for item in items]
        vectors = [given[at] for at in _order(items, count)]
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError, struct.error) as exc:
        raise ServerTrouble(f"the answer doesn't have {count} vectors: {content[:200]!r}") from exc
    if not all(vector and all(map(isfinite, vector)) for vector in vectors):
        raise ServerTrouble("the answer has an invalid vector")
    return vectors, parse_input_usage(mapping(answer).get("usage"))


def _items(answer: object) -> list[Object]:
    """The items with the vectors; some servers omit the envelope, or send bare vectors."""
    if isinstance(answer, dict):
        answer = answer["data"] if "data" in answer else answer["embeddings"]
    return [item if isinstance(item, dict) else {"embedding": item} for item in _list(answer)]


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"a list that is {type(value).__name__}")
    return value


def _order(items: Sequence[Object], count: int) -> list[int]:
    """For each text, the position of its vector.

    Gemini omits an index of 0. Others omit all of them, count from 1, or send 0 each time; those keep the order.
    """
    if len(items) != count:
        raise ValueError(f"{len(items)} vectors")
    given = [str(item.get("index") or 0).removesuffix(".0") for item in items]
    places = {index: at for at, index in enumerate(given)}
    in_order = [places.get(str(index)) for index in range(count)]
    return [at for at in in_order if at is not None] if None not in in_order else list(range(count))


def _vector(given: object) -> list[float]:
    """A vector from a list of numbers, or from base64, which some servers send unasked."""
    if isinstance(given, str):
        data = base64.b64decode(given, validate=True)
        return list(struct.unpack(f"<{len(data) // 4}f", data))
    if not isinstance(given, list):
        raise TypeError(f"a vector that is {type(given).__name__}")
    if len(given) == 1 and isinstance(given[0], list):  # llama.cpp's native interface
        given = given[0]
    return [float(number) for number in given]
