"""Embeddings, as every OpenAI-compatible server speaks them: texts go in, vectors come out, in the same order."""

import json
from collections.abc import Sequence
from itertools import chain
from math import isfinite

import openai

from bot.errors import ServerTrouble
from bot.llm.client import client
from bot.llm.failures import translate

BATCH = 10
"""Texts in a request: the most that Model Studio's text-embedding-v4 takes (its page on OpenAI-compatible embeddings);
others take more."""
MOST_CHARACTERS = 2000
"""Of a longer text the beginning is sent, which says what it is about: models of 2,048 tokens a text are in use."""
RETRIES = 1
CONNECT_TIMEOUT_S = 5.0


class Embeddings:
    """A model behind ``POST {base_url}/embeddings``."""

    def __init__(self, *, base_url: str, api_key: str | None, model: str, timeout: float) -> None:
        """`api_key` None: none is sent; `timeout`: the longest silence of the server, in seconds."""
        self.name = model
        self._client = client(base_url, api_key, retries=RETRIES, silence=timeout, connect=CONNECT_TIMEOUT_S)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """See Embedder.embed."""
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        vectors = list(chain.from_iterable([await self._batch(batch) for batch in batches]))
        if len({len(vector) for vector in vectors}) > 1:
            raise ServerTrouble("the vectors of one answer differ in their dimension")
        return vectors

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _batch(self, texts: Sequence[str]) -> list[list[float]]:
        try:
            # The raw answer, since the client takes whatever it is for vectors. It asks for base64 unless told
            # otherwise, which not every server speaks.
            answer = await self._client.embeddings.with_raw_response.create(
                model=self.name, input=[text[:MOST_CHARACTERS] for text in texts], encoding_format="float"
            )
        except openai.OpenAIError as exc:
            raise translate(exc, streaming=False) from exc
        return _vectors(answer.content, len(texts))


def _vectors(content: bytes, count: int) -> list[list[float]]:
    """The vectors of an answer in the order of the texts, whatever order the server gave them."""
    try:
        answer = json.loads(content)
        found = {item["index"]: [float(number) for number in item["embedding"]] for item in answer["data"]}
        vectors = [found[index] for index in range(count)]
    except (ValueError, TypeError, LookupError) as exc:
        raise ServerTrouble(f"the answer does not hold {count} vectors: {content[:200]!r}") from exc
    if not all(vector and all(map(isfinite, vector)) for vector in vectors):
        raise ServerTrouble("the answer has a vector that is none")
    return vectors
