"""The server's prompt cache: how much of a prompt's head was seen before, token by token, whoever sent it.

This is the longest common prefix, as Qwen's implicit cache, OpenAI's before GPT-5.6, vLLM and llama.cpp have it; other
ways to account for a prompt are in ``prompt_accounts.py``.

Unless it is told how to cut a text into tokens, a token is four UTF-8 bytes. That is an estimate, but always the same
one, so that a test can hold numbers to it.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sandbox.model.request import ChatRequest

TOKEN_BYTES = 4
MIN_CACHED_TOKENS = 256
"""A shorter shared head is not cached (Qwen's implicit cache has this minimum)."""

Tokenize = Callable[[str], Sequence[Hashable]]
"""Cuts a text into tokens; two texts with the same beginning should have the same first tokens."""


@dataclass(frozen=True, slots=True)
class PromptCount:
    """The tokens of a prompt, how many at its head came from the cache, and how many were put there for a price."""

    total: int
    cached: int
    written: int = 0

    @property
    def details(self) -> dict[str, int]:
        """What a report of usage says of it beside the total."""
        return {"cached_tokens": self.cached} | ({"cache_write_tokens": self.written} if self.written else {})


class Account(Protocol):
    """A way to say what of a prompt was cached."""

    def count(self, request: ChatRequest, answer: str = "", /) -> PromptCount:
        """Count a prompt and remember it, with the answer that it is given."""
        ...


def four_bytes(text: str) -> Sequence[Hashable]:
    """A text in pieces of four bytes."""
    data = text.encode()
    return [data[start : start + TOKEN_BYTES] for start in range(0, len(data), TOKEN_BYTES)]


class PromptCache:
    """Remembers every prompt as a chain of tokens: each link stands for all that comes before it.

    Counting a prompt therefore costs its own length, however many were seen before.
    """

    def __init__(self, tokenize: Tokenize = four_bytes) -> None:
        self._tokenize = tokenize
        self._links: dict[tuple[int, Hashable], int] = {}

    def count(self, request: ChatRequest, _: str = "", /) -> PromptCount:
        """See Account.count; an answer counts when it comes back in a prompt."""
        return self.count_text(
            request.tools + "".join(f"{message.role}\n{message.content}\n" for message in request.messages)
        )

    def count_text(self, prompt: str) -> PromptCount:
        """Count a prompt that is given as one text."""
        tokens = self._tokenize(prompt)
        link, cached = 0, 0
        for token in tokens:
            step = (link, token)
            cached += step in self._links
            link = self._links.setdefault(step, len(self._links) + 1)
        return PromptCount(len(tokens), cached if cached >= MIN_CACHED_TOKENS else 0)


def count_tokens(size: int) -> int:
    """The tokens of that many bytes, the last one counted in full."""
    return -(-size // TOKEN_BYTES)
