"""Embeddings without a model, strict about requests and scripted to fail where a test wants it.

Texts that share words or parts of words are near each other: each word and each trigram has a direction derived from
its hash, so the same text has the same vector on every machine, and "painted" is near "painting". There is no notion of
meaning.
"""

import base64
import json
import re
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from math import sqrt
from zlib import crc32

from starlette.types import Message

from sandbox.model import playback
from sandbox.model.behaviour import Fail, Hang
from sandbox.model.prompt_cache import count_tokens
from sandbox.model.request import RequestError, json_object, model_name

PIECE_WEIGHT = 0.4
"""The weight of a trigram relative to a whole word."""
_WORD = re.compile(r"[^\W_]+")
DIMENSION = 384
MOST_TEXTS = 10
MOST_TOKENS = 8192
"""The limits of a request, as Model Studio documents them for text-embedding-v4; a token is four bytes here."""


def embed(text: str, dimension: int) -> list[float]:
    """The unit vector of a text; a text without words has a fixed one."""
    sums = [0.0] * dimension
    for word in _WORD.findall(text.casefold()) or [""]:
        for at, weight in _features(word, dimension):
            sums[at] += weight
    length = sqrt(sum(value * value for value in sums))
    return [round(value / length, 6) for value in sums] if length else [1.0] + [0.0] * (dimension - 1)


@lru_cache(maxsize=50_000)
def _features(word: str, dimension: int) -> tuple[tuple[int, float], ...]:
    """What a word adds at which positions of the vector; longer words weigh more."""
    weight = 1.0 if len(word) > 3 or not word.isascii() else 0.3
    framed = f"<{word}>"
    pieces = [framed[at : at + 3] for at in range(len(framed) - 2)]
    return (
        _feature(f"word {word}", weight, dimension),
        *(_feature(f"piece {piece}", weight * PIECE_WEIGHT / sqrt(len(pieces)), dimension) for piece in pieces),
    )


def _feature(name: str, weight: float, dimension: int) -> tuple[int, float]:
    drawn = crc32(name.encode())
    return (drawn >> 1) % dimension, weight if drawn & 1 else -weight


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """A checked request."""

    model: str
    texts: tuple[str, ...]
    base64: bool
    body: bytes = field(repr=False)

    @property
    def tokens(self) -> int:
        """The billed tokens."""
        return sum(count_tokens(len(text.encode())) for text in self.texts)


class EmbeddingEndpoint:
    """Answers embedding requests and records them; `dimension` may change at any time."""

    def __init__(self, dimension: int = DIMENSION) -> None:
        self.requests: list[EmbeddingRequest] = []
        self.dimension = dimension
        self._script: deque[Fail | Hang | None] = deque()
        self._decide: Callable[[EmbeddingRequest], Fail | Hang | None] = lambda _: None

    def script(self, *behaviours: Fail | Hang | None) -> None:
        """Queue one failure per coming request; None answers normally."""
        self._script.extend(behaviours)

    def fail_when(self, decide: Callable[[EmbeddingRequest], Fail | Hang | None]) -> None:
        """Decide by a function of the request whenever nothing is queued."""
        self._decide = decide

    def answer(self, body: bytes) -> AsyncIterator[Message]:
        """The response to a request; raises RequestError with the reason for the client."""
        request = parse(body)
        self.requests.append(request)
        behaviour = self._script.popleft() if self._script else self._decide(request)
        return playback.unscripted(self._body(request) if behaviour is None else behaviour)

    def _body(self, request: EmbeddingRequest) -> bytes:
        vectors = [embed(text, self.dimension) for text in request.texts]
        data = [
            {"object": "embedding", "index": index, "embedding": _base64(vector) if request.base64 else vector}
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": request.tokens, "total_tokens": request.tokens}
        return json.dumps({"object": "list", "data": data, "model": request.model, "usage": usage}).encode()


def parse(body: bytes) -> EmbeddingRequest:
    """Check the body of a request; raises RequestError with the reason for the client."""
    payload = json_object(body)
    model, encoding = model_name(payload), payload.get("encoding_format", "float")
    if unknown := payload.keys() - {"model", "input", "encoding_format", "user"}:
        raise RequestError(f"{min(unknown)} is not known here", min(unknown))
    if encoding not in ("float", "base64"):
        raise RequestError("encoding_format must be float or base64", "encoding_format")
    return EmbeddingRequest(model, _texts(payload.get("input")), encoding == "base64", body)


def _texts(value: object) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts:
        raise RequestError("input must be a text or a list of texts that is not empty", "input")
    if len(texts) > MOST_TEXTS:
        raise RequestError(f"batch size is invalid, it should not be larger than {MOST_TEXTS}", "input")
    for index, text in enumerate(texts):
        if not isinstance(text, str) or not text:
            raise RequestError(f"input.[{index}] must be a text that is not empty", "input")
        if count_tokens(len(text.encode())) > MOST_TOKENS:
            raise RequestError(f"input.[{index}]: range of input length should be [1, {MOST_TOKENS}]", "input")
    return tuple(texts)


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
