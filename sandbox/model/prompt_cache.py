"""Simulated prompt caches: how many tokens of a prompt were cached, as the providers document it.

`PromptCache` finds the longest common prefix, like Qwen's implicit cache, OpenAI's before GPT-5.6, vLLM and llama.cpp.
The others model explicit markers, breakpoints and units. Expiry is left out, because tests take seconds.

By default a token is four UTF-8 bytes: an estimate, but a constant one, so that tests can check numbers.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from sandbox.model.request import ChatRequest

TOKEN_BYTES = 4
MIN_CACHED_TOKENS = 256
"""The shortest prefix that is cached (Qwen's implicit cache)."""
Tokenize = Callable[[str], Sequence[Hashable]]
"""Splits a text into tokens; texts with a common beginning should share their first tokens."""
LEAST_TOKENS = 1024
"""The shortest prefix that is cached (OpenAI, Qwen's explicit cache, most of Anthropic's models)."""
MOST_WRITTEN = 4
MOST_READ = 80
"""Only this many of a request's last breakpoints are looked up (OpenAI)."""
LOOKED_BACK = 20
"""How many blocks before a marker an older entry is found (Anthropic, Qwen)."""
UNIT_TOKENS = 64
"""The shortest unit that is cached (DeepSeek)."""


@dataclass(frozen=True, slots=True)
class PromptCount:
    """The tokens of a prompt: total, read from the cache, and written to it at a price."""

    total: int
    cached: int
    written: int = 0

    @property
    def details(self) -> dict[str, int]:
        """The details of a usage report besides the total."""
        return {"cached_tokens": self.cached} | ({"cache_write_tokens": self.written} if self.written else {})


class PromptCounter(Protocol):
    """Counts the tokens of prompts, and which of them a cache has."""

    def count(self, request: ChatRequest, answer: str = "", /) -> PromptCount:
        """Count a prompt, and remember it and its answer."""
        ...


def four_bytes(text: str) -> Sequence[Hashable]:
    """A text in pieces of four bytes."""
    data = text.encode()
    return [data[start : start + TOKEN_BYTES] for start in range(0, len(data), TOKEN_BYTES)]


class PromptCache:
    """Remembers every prompt as a chain of tokens, in which each link stands for all that precede it.

    Counting a prompt therefore costs only its own length, however many came before.
    """

    def __init__(self, tokenize: Tokenize = four_bytes) -> None:
        self._tokenize = tokenize
        self._links: dict[tuple[int, Hashable], int] = {}

    def count(self, request: ChatRequest, _: str = "", /) -> PromptCount:
        """The answer isn't needed: it counts once it is part of a prompt."""
        return self.count_text(
            request.tools + "".join(f"{message.role}\n{message.content}\n" for message in request.messages)
        )

    def count_text(self, prompt: str) -> PromptCount:
        """Count a prompt given as one text."""
        tokens = self._tokenize(prompt)
        link, cached = 0, 0
        for token in tokens:
            step = (link, token)
            cached += step in self._links
            link = self._links.setdefault(step, len(self._links) + 1)
        return PromptCount(len(tokens), cached if cached >= MIN_CACHED_TOKENS else 0)


def count_tokens(size: int) -> int:
    """The tokens of this many bytes, rounded up."""
    return -(-size // TOKEN_BYTES)


class Breakpoints:
    """A prefix is found only at a position where it was written.

    As at OpenAI since GPT-5.6: up to four breakpoints are written, one of them by the server at the end of the newest
    message, unless the request says otherwise. The server's own are found at the end of any message.
    """

    def __init__(self, tokenize: Tokenize = four_bytes, least: int = LEAST_TOKENS) -> None:
        self._tokenize = tokenize
        self._least = least
        self._written: set[bytes] = set()

    def count(self, request: ChatRequest, _: str = "", /) -> PromptCount:
        prompt, markers, ends = _layout(request)
        text = "".join(prompt)
        written, read = self._written_and_read(request, markers, ends)
        positions = sorted({*written, *read})
        digests = dict(zip(positions, _digests(text, positions), strict=True))
        hit = max((position for position in read if digests[position] in self._written), default=0)
        cached, put = self._tokens(text, hit), self._tokens(text, max(written, default=0))
        self._written |= {digests[position] for position in written if self._tokens(text, position) >= self._least}
        return PromptCount(self._tokens(text, len(text)), cached, max(0, put - cached) if put >= self._least else 0)

    def _written_and_read(
        self, request: ChatRequest, markers: Sequence[int], ends: Sequence[Sequence[int]]
    ) -> tuple[Sequence[int], Sequence[int]]:
        options = request.options.get("prompt_cache_options")
        implicit = not (isinstance(options, dict) and options.get("mode") == "explicit")
        newest = [ends[-1][-1]] if implicit else []
        last = [message[-1] for message in ends if message] if implicit else []
        return [*markers[-(MOST_WRITTEN - len(newest)) :], *newest], [*last, *markers][-MOST_READ:]

    def _tokens(self, text: str, position: int) -> int:
        return len(self._tokenize(text[:position]))


class Markers(Breakpoints):
    """Anthropic's and Qwen's ``cache_control``: a marker finds entries up to 20 blocks before it."""

    def _written_and_read(
        self, _: ChatRequest, markers: Sequence[int], ends: Sequence[Sequence[int]]
    ) -> tuple[Sequence[int], Sequence[int]]:
        blocks = [end for message in ends for end in message]
        read = {block for marker in markers for block in blocks[: blocks.index(marker) + 1][-LOOKED_BACK - 1 :]}
        return markers, sorted(read)


class Units:
    """DeepSeek's cache of whole units, which end with a request or its answer, and where two prompts diverge."""

    def __init__(self, tokenize: Tokenize = four_bytes) -> None:
        self._tokenize = tokenize
        self._links: dict[tuple[int, Hashable], int] = {}
        self._units: set[int] = set()

    def count(self, request: ChatRequest, answer: str = "", /) -> PromptCount:
        prompt, _, _ = _layout(request)
        tokens = [token for piece in prompt for token in self._tokenize(piece)]
        link, shared, cached, parted = 0, 0, 0, 0
        for number, token in enumerate(tokens, 1):
            step = (link, token)
            if step in self._links:
                shared, parted = number, self._links[step]
            link = self._step(step)
            cached = number if link in self._units else cached
        for position, length in ((parted, shared), (link, len(tokens))):
            if length >= UNIT_TOKENS:
                self._units.add(position)
        for piece in ("assistant\n", answer, "\n"):
            for token in self._tokenize(piece):
                link = self._step((link, token))
        self._units.add(link)
        return PromptCount(len(tokens), cached)

    def _step(self, step: tuple[int, Hashable]) -> int:
        return self._links.setdefault(step, len(self._links) + 1)


def _layout(request: ChatRequest) -> tuple[list[str], list[int], list[list[int]]]:
    """The prompt in pieces, the positions of its markers, and where the parts of each message end."""
    prompt, markers, ends, at = [request.tools], list[int](), list[list[int]](), len(request.tools)
    for message in request.messages:
        at += len(message.role) + 1
        markers += [at + position for position in message.markers]
        ends.append([at + position for position in message.ends])
        at += len(message.content) + 1
        prompt += [f"{message.role}\n", message.content, "\n"]
    return prompt, markers, ends


def _digests(text: str, positions: Sequence[int]) -> Iterator[bytes]:
    found = hashlib.sha256()
    for start, end in pairwise((0, *positions)):
        found.update(text[start:end].encode())
        yield found.digest()
