"""The server's prompt cache: how much of a prompt's head was seen before, whoever sent it.

A token is four UTF-8 bytes here. That is an estimate, but always the same one, so that a test can hold numbers to it.
"""

from dataclasses import dataclass

from sandbox.model.request import ChatRequest

TOKEN_BYTES = 4
MIN_CACHED_TOKENS = 256
"""A shorter shared head is not cached (Qwen's implicit cache has this minimum)."""


@dataclass(frozen=True, slots=True)
class PromptCount:
    """The tokens of a prompt, and how many at its head came from the cache."""

    total: int
    cached: int


class PromptCache:
    """Remembers every prompt as a chain of tokens: each link stands for all that comes before it.

    Counting a prompt therefore costs its own length, however many were seen before.
    """

    def __init__(self) -> None:
        self._links: dict[tuple[int, bytes], int] = {}

    def count(self, request: ChatRequest) -> PromptCount:
        """Count a prompt and remember it."""
        prompt = "".join(f"{message.role}\n{message.content}\n" for message in request.messages).encode()
        link, cached = 0, 0
        for start in range(0, len(prompt), TOKEN_BYTES):
            step = (link, prompt[start : start + TOKEN_BYTES])
            cached += step in self._links
            link = self._links.setdefault(step, len(self._links) + 1)
        return PromptCount(count_tokens(len(prompt)), cached if cached >= MIN_CACHED_TOKENS else 0)


def count_tokens(size: int) -> int:
    """The tokens of that many bytes, the last one counted in full."""
    return -(-size // TOKEN_BYTES)
