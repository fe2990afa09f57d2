"""Asking a model for a word, within a bound of time; and what its failures ask of whoever runs the bot."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from bot import errors
from bot.llm.interface import DEFAULT, ChatModel, Message, Options, Usage

THRIFTY = Options(thinking=False)
"""A word needs no reasoning, where a model can do without."""

ADVICE: dict[type[errors.ModelError], str] = {
    errors.WrongKey: "OPENAI_API_KEY: copy it anew, and see that OPENAI_BASE_URL is the provider, and the region, "
    "that gave it out.",
    errors.NoPermission: "OPENAI_MODEL: the server has no such model, or this key may not use it. If the address is "
    "to blame: OPENAI_BASE_URL mostly ends with /v1.",
    errors.NoCredit: "Top up the account at the provider, or raise its limit.",
    errors.RateLimited: "Try again in a minute; if it stays, ask the provider for more.",
    errors.ServerTrouble: "See that the server runs, that OPENAI_BASE_URL is its address, and that this machine "
    "reaches it (a proxy, a firewall?).",
    errors.NoAnswerInTime: "See that OPENAI_BASE_URL is right. A model that is still being loaded needs another try.",
    errors.RequestRefused: "OPENAI_MODEL, LLM_EXTRA_BODY: see that the server knows both.",
}
"""What to do about a failure."""
NO_STREAM = (
    "The bot needs a server that streams (server-sent events). See that OPENAI_BASE_URL is the interface's address, "
    "which mostly ends with /v1, and that no proxy holds answers back."
)
CUT = "Try again; if it stays, look for a proxy between here and the server that ends connections."


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: `error` where it failed, `pieces` how many parts of it came before."""

    text: str = ""
    pieces: int = 0
    usage: Usage | None = None
    error: errors.ModelError | None = None

    @property
    def unstreamed(self) -> bool:
        """The server took the request, and nothing that is a stream came."""
        return isinstance(self.error, errors.StreamCut) and not self.pieces


async def ask(model: ChatModel, messages: Sequence[Message], limit: float, options: Options = DEFAULT) -> Answer:
    """The answer to the messages, or why there is none; `limit` in seconds."""
    text, pieces, usage = "", 0, None
    error: errors.ModelError | None = None
    try:
        async with asyncio.timeout(limit), aclosing(model.stream(messages, options)) as stream:
            async for delta in stream:
                said = "" if delta.taken_back else text
                text, pieces, usage = said + delta.text, pieces + 1, delta.usage or usage
    except errors.ModelError as exc:
        error = exc
    except TimeoutError:
        error = errors.NoAnswerInTime(f"no answer within {limit:.0f} s")
    return Answer(text, pieces, usage, error)


def advice(answer: Answer) -> str:
    """What to do about a request that failed."""
    if isinstance(answer.error, errors.StreamCut):
        return CUT if answer.pieces else NO_STREAM
    known = (text for kind, text in ADVICE.items() if isinstance(answer.error, kind))
    return next(known, "What the server said is all that is known; its documentation may say more.")
