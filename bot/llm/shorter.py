"""The end of a conversation, for a model that reads less than the one in whose place it answers."""

from collections.abc import Sequence

from bot.llm.answer import rough_tokens
from bot.llm.interface import ChatModel, Message

ROOM_SHARE = 0.85
"""Of a model's window, what a prompt may take: the rest is for the answer, and our count is rough."""


def fits(messages: Sequence[Message], model: ChatModel) -> bool:
    """Whether a prompt is no longer than the model is known to read."""
    return size(messages) <= ROOM_SHARE * min(model.window, model.limit or model.window)


def newer_half(messages: Sequence[Message]) -> list[Message] | None:
    """The messages without the older half of what was said; None when there is the newest message alone.

    What the model is told first stays, and so do calls of tools behind the message that they are for.
    """
    opening = [message for message in messages if message.role == "system"]
    said = [message for message in messages if message.role != "system"]
    starts = [at for at, message in enumerate(said) if message.role == "user"][1:]
    if not starts:
        return None
    most = size(said) / 2
    cut = next((at for at in starts if size(said[at:]) <= most), starts[-1])
    return [*opening, *said[cut:]]


def size(messages: Sequence[Message]) -> float:
    """Tokens, roughly, whoever counts them."""
    return sum(rough_tokens(message.content) for message in messages)
