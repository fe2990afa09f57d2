"""Other prompt caches than that of the longest common prefix, as their providers document them.

What they forget with time is left out: a test takes seconds.
"""

import hashlib
from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise

from sandbox.model.prompt_cache import PromptCount, Tokenize, four_bytes
from sandbox.model.request import ChatRequest

LEAST_TOKENS = 1024
"""A shorter prefix is not cached: OpenAI, Qwen's explicit cache, most of Anthropic's models."""
MOST_WRITTEN = 4
MOST_READ = 80
"""Of the breakpoints in a request, the last ones (OpenAI)."""
LOOKED_BACK = 20
"""Blocks before a marker in which an older entry is found (Anthropic, Qwen)."""
UNIT_TOKENS = 64
"""A shorter unit is not kept (DeepSeek)."""


class Breakpoints:
    """A prefix is found again at a place to which it was written, and at no other.

    As at OpenAI since GPT-5.6: up to four breakpoints are written, one of them by the server at the end of the newest
    message, unless the request says otherwise. The server's own are found again at any end of a message.
    """

    def __init__(self, tokenize: Tokenize = four_bytes, least: int = LEAST_TOKENS) -> None:
        self._tokenize = tokenize
        self._least = least
        self._kept: set[bytes] = set()

    def count(self, request: ChatRequest, _: str = "", /) -> PromptCount:
        """See Account.count."""
        prompt, marks, ends = _places(request)
        text = "".join(prompt)
        written, read = self._written_and_read(request, marks, ends)
        places = sorted({*written, *read})
        digests = dict(zip(places, _digests(text, places), strict=True))
        hit = max((place for place in read if digests[place] in self._kept), default=0)
        cached, put = self._tokens(text, hit), self._tokens(text, max(written, default=0))
        self._kept |= {digests[place] for place in written if self._tokens(text, place) >= self._least}
        return PromptCount(self._tokens(text, len(text)), cached, max(0, put - cached) if put >= self._least else 0)

    def _written_and_read(
        self, request: ChatRequest, marks: Sequence[int], ends: Sequence[Sequence[int]]
    ) -> tuple[Sequence[int], Sequence[int]]:
        options = request.options.get("prompt_cache_options")
        implicit = not (isinstance(options, dict) and options.get("mode") == "explicit")
        newest = [ends[-1][-1]] if implicit else []
        last = [message[-1] for message in ends if message] if implicit else []
        return [*marks[-(MOST_WRITTEN - len(newest)) :], *newest], [*last, *marks][-MOST_READ:]

    def _tokens(self, text: str, place: int) -> int:
        return len(self._tokenize(text[:place]))


class Markers(Breakpoints):
    """As ``cache_control`` has it at Anthropic and Qwen: nothing by itself; a marker finds what is 20 blocks before."""

    def _written_and_read(
        self, _: ChatRequest, marks: Sequence[int], ends: Sequence[Sequence[int]]
    ) -> tuple[Sequence[int], Sequence[int]]:
        blocks = [end for message in ends for end in message]
        read = {block for mark in marks for block in blocks[: blocks.index(mark) + 1][-LOOKED_BACK - 1 :]}
        return marks, sorted(read)


class Units:
    """Whole units alone are found again, as at DeepSeek: where a request and its answer ended, and where two parted."""

    def __init__(self, tokenize: Tokenize = four_bytes) -> None:
        self._tokenize = tokenize
        self._links: dict[tuple[int, Hashable], int] = {}
        self._units: set[int] = set()

    def count(self, request: ChatRequest, answer: str = "", /) -> PromptCount:
        """See Account.count."""
        prompt, _, _ = _places(request)
        tokens = [token for piece in prompt for token in self._tokenize(piece)]
        link, shared, cached, parted = 0, 0, 0, 0
        for number, token in enumerate(tokens, 1):
            step = (link, token)
            if step in self._links:
                shared, parted = number, self._links[step]
            link = self._step(step)
            cached = number if link in self._units else cached
        for place, length in ((parted, shared), (link, len(tokens))):
            if length >= UNIT_TOKENS:
                self._units.add(place)
        for piece in ("assistant\n", answer, "\n"):
            for token in self._tokenize(piece):
                link = self._step((link, token))
        self._units.add(link)
        return PromptCount(len(tokens), cached)

    def _step(self, step: tuple[int, Hashable]) -> int:
        return self._links.setdefault(step, len(self._links) + 1)


def _places(request: ChatRequest) -> tuple[list[str], list[int], list[list[int]]]:
    """A prompt in pieces, the places of its markers, and those where the parts of each message end."""
    prompt, marks, ends, at = [request.tools], list[int](), list[list[int]](), len(request.tools)
    for message in request.messages:
        at += len(message.role) + 1
        marks += [at + place for place in message.marks]
        ends.append([at + place for place in message.ends])
        at += len(message.content) + 1
        prompt += [f"{message.role}\n", message.content, "\n"]
    return prompt, marks, ends


def _digests(text: str, places: Sequence[int]) -> Iterator[bytes]:
    found = hashlib.sha256()
    for start, end in pairwise((0, *places)):
        found.update(text[start:end].encode())
        yield found.digest()
