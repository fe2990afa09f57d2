"""Tokens of chat templates in people's words, such as ``<|im_end|>``.

Many servers turn such text into the token itself, which ends a message and begins another one with any role. Wherever
text is sent to a model, such a token gets a backslash inside, so that it is read as text. The result of a text's
beginning doesn't depend on what follows, so that prompts keep their prefix.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.llm.interface import Message, Part

_BARS = "|\uff5c\u2502\u00a6"
_TOKEN = re.compile(
    rf"([<\uff1c](?=[{_BARS}]/?\w)"  # <|im_start|>, also in full width
    rf"|<(?=/?\w{{1,30}}[{_BARS}]>)"  # <turn|>
    r"|<(?=/?(?:s|bos|eos|pad|unk|sop|eop|start_of_turn|end_of_turn|start_of_image|end_of_image)>)"
    r"|<(?=/?(?:think|tool_call|tool_response|tools|function_calls?)>)"
    r"|<<(?=/?SYS>>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS|MODEL_SETTINGS|ARGS|CALL_ID|THINK"
    r"|IMG|IMG_BREAK|IMG_END|BEGIN_AUDIO|AUDIO|PREFIX|SUFFIX|MIDDLE|gMASK|sMASK)\])"
    r"|\](?=~!?[a-z]?[\[\]])|\[e(?=~\[))"  # MiniMax's ]~b] and [e~[
)


def neutralize(text: str) -> str:
    """The text with a backslash inside each template token."""
    return _TOKEN.sub(r"\1\\", text)


def neutralize_messages(messages: Sequence[Message]) -> list[Message]:
    """The messages without template tokens; those without any are the same objects."""
    return [_neutralized(message) for message in messages]


def _neutralized(message: Message) -> Message:
    if not _TOKEN.search(message.content):
        return message
    at = len(message.content) - message.passing
    lasting, passing = neutralize(message.content[:at]), neutralize(message.content[at:])
    return replace(message, content=lasting + passing, passing=len(passing), parts=tuple(_parts(message)))


def _parts(message: Message) -> list[Part]:
    """The parts; the last one is cut where the passing text begins, like the content."""
    made: list[Part] = [neutralize(part) if isinstance(part, str) else part for part in message.parts]
    if message.passing and made and isinstance(last := message.parts[-1], str):
        made[-1] = neutralize(last[: -message.passing]) + neutralize(last[-message.passing :])
    return made
