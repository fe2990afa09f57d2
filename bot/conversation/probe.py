"""A prompt of a known length, to see how much of it a model's server reads."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from bot.errors import ContextTooLong, ModelError, NoAnswerInTime
from bot.llm.interface import ChatModel, Message, Options, Usage

LINE = "{number}: the ferry leaves the harbour at nine, and comes back before the evening when the weather is good. "
LINES = 8
"""In a message: a server that leaves out whole messages has many to choose from."""
QUESTION = "Answer with the one word yes."
PLAIN = Options(thinking=False)


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of it; `counted`: our own count of its tokens."""

    counted: int
    said: str = ""
    usage: Usage | None = None
    error: ModelError | None = None

    @property
    def refused(self) -> bool:
        """The server says that it is too long."""
        return isinstance(self.error, ContextTooLong)


async def probe(model: ChatModel, tokens: int, count_tokens: Callable[[str], int], bound: float) -> Probed:
    """Send about that many tokens that nobody needs, and a question; `bound` in seconds."""
    messages, counted = _prompt(tokens, count_tokens)
    said, usage = "", None
    try:
        async with asyncio.timeout(bound), aclosing(model.stream(messages, PLAIN)) as deltas:
            async for delta in deltas:
                if delta.instead is not None:
                    return Probed(counted, error=delta.instead.failure)
                said, usage = said + delta.text, delta.usage or usage
    except ModelError as exc:
        return Probed(counted, said, usage, exc)
    except TimeoutError:
        return Probed(counted, said, usage, NoAnswerInTime(f"no answer within {bound:.0f} s"))
    return Probed(counted, said, usage)


def _prompt(tokens: int, count_tokens: Callable[[str], int]) -> tuple[list[Message], int]:
    messages: list[Message] = []
    counted = number = 0
    while counted < tokens or len(messages) % 2:
        text = "".join(LINE.format(number=number + at) for at in range(LINES)).strip()
        number += LINES
        messages.append(Message("assistant" if len(messages) % 2 else "user", text))
        counted += count_tokens(text)
    messages.append(Message("user", QUESTION))
    return messages, counted + count_tokens(QUESTION)
