"""Asking a model for a word, within a bound of time."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from bot import errors
from bot.llm.interface import Call, ChatModel, Message, Options, Usage
from bot.settings import Settings

PATIENCE_S = 60.0
"""The longest wait for an answer, where MODEL_TIMEOUT is not shorter: a model may have to be loaded first."""
THRIFTY = Options(thinking=False)
"""A word needs no reasoning, where a model can do without."""
QUESTION = (Message("user", "Say yes, in one word."),)


def patience(settings: Settings) -> float:
    """How long an answer is waited for, in seconds."""
    return min(PATIENCE_S, settings.model_timeout)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: `error` where it failed, `pieces` how many parts of it came before."""

    text: str = ""
    pieces: int = 0
    usage: Usage | None = None
    error: errors.ModelError | None = None
    calls: tuple[Call, ...] = ()
    opaque: str = ""

    @property
    def unstreamed(self) -> bool:
        """The server took the request, and nothing that is a stream came."""
        return isinstance(self.error, errors.StreamCut) and not self.pieces

    @property
    def said(self) -> str:
        """The words, or that there are none."""
        return f"{' '.join(self.text.split()):.80}" or "nothing"


async def ask(model: ChatModel, messages: Sequence[Message], limit: float, options: Options = THRIFTY) -> Answer:
    """The answer to the messages, or why there is none; `limit` in seconds."""
    text, pieces, usage, opaque = "", 0, None, ""
    calls: tuple[Call, ...] = ()
    error: errors.ModelError | None = None
    try:
        async with asyncio.timeout(limit), aclosing(model.stream(messages, options)) as stream:
            async for delta in stream:
                text, pieces, usage = text + delta.text, pieces + 1, delta.usage or usage
                calls, opaque = calls + delta.calls, delta.opaque or opaque
    except errors.ModelError as exc:
        error = exc
    except TimeoutError:
        error = errors.NoAnswerInTime(f"no answer within {limit:.0f} s")
    return Answer(text, pieces, usage, error, calls, opaque)
