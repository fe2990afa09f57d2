"""Tokens of chat templates in people's words, such as ``<|im_end|>``.

Many servers turn such text into the token itself, which ends a message and begins another one with any role. Wherever
text is sent to a model, such a token gets a backslash inside, so that it is read as text. Some tokenizers normalize
text first: a token also counts in other forms of its characters (full width, mathematical), and with invisible ones in
between.
"""

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.llm.interface import Message, Part
from bot.llm.stream_events import Call

_BARS = "|\u2502\u00a6"
_TAGS = (
    r"s|bos|eos|pad|unk|cls|sep|sop|eop|eoh|eoa|eot|role|escape|think|tools|boi|eoi"
    r"|(?:start|end)_of_\w{1,20}|(?:start|end)_function_\w{1,20}|(?:image|audio)_soft_token|\w{1,30}_TOKEN"
    r"|BOS|EOS|PAD|UNK|CLS|SEP|EOP|SPECIAL_\d{1,4}|extra_id_\d{1,4}|unused_?\d{1,5}|reserved_\d{1,5}|fim_\w{1,20}"
    r"|tool_(?:calls?|response|result|sep)|function_calls?|arg_(?:key|value)|(?:minimax|seed):\w{1,30}"
)
_BRACKETED = (
    r"INST|SYSTEM_PROMPT|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|AVAILABLE_TOOLS|MODEL_SETTINGS|ARGS|CALL_ID|THINK"
    r"|IMG|IMG_BREAK|IMG_END|BEGIN_AUDIO|AUDIO|TRANSCRIBE|PREFIX|SUFFIX|MIDDLE|[gs]?MASK|BOS|EOS|EOT|PAD|UNK|CLS|SEP"
    r"|extra_id_\d{1,4}|(?:start|end)_header_id"
)
_TOKEN = re.compile(
    rf"(?=<[{_BARS}]/?\w"  # <|im_start|>
    rf"|</?\w{{1,30}}[{_BARS}]>"  # <turn|>
    rf"|</?(?:{_TAGS})>|<</?SYS>>|\[/?(?:{_BRACKETED})\]"
    rf"|\[[{_BARS}]/?\w{{1,30}}[{_BARS}]\]"  # EXAONE's [|user|]
    r"|\]~!?[a-z]?[\[\]]|\[e~\[)."  # MiniMax's ]~b] and [e~[
)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


class _Normalized(dict[int, int]):
    """For ``str.translate``: each character's usual form, if that is a single character too."""

    def __missing__(self, code: int) -> int:
        form = unicodedata.normalize("NFKC", chr(code))
        self[code] = ord(form) if len(form) == 1 else code
        return self[code]


_FORMS = _Normalized()


def neutralize(text: str) -> str:
    """The text with a backslash inside each template token."""
    found = _tokens(text)
    if not found:
        return text
    starts = [0, *(at + 1 for at in found)]
    return "\\".join(text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True))


def neutralize_messages(messages: Sequence[Message]) -> list[Message]:
    """The messages without template tokens; those without any are the same objects."""
    return [_neutralized(message) for message in messages]


def _tokens(text: str) -> list[int]:
    """Where tokens begin."""
    if text.isascii() and _INVISIBLE.search(text) is None:
        return [found.start() for found in _TOKEN.finditer(text)]
    plain = text.translate(_FORMS)  # of the same length
    if _INVISIBLE.search(plain) is None:
        return [found.start() for found in _TOKEN.finditer(plain)]
    starts, gone = [0], [0]
    for hidden in _INVISIBLE.finditer(plain):
        gone.append(gone[-1] + 1)
        starts.append(hidden.end() - gone[-1])
    found = (token.start() for token in _TOKEN.finditer(_INVISIBLE.sub("", plain)))
    return [at + gone[bisect_right(starts, at) - 1] for at in found]


def _neutralized(message: Message) -> Message:
    calls = tuple(map(_neutralized_call, message.calls))
    if calls != message.calls:
        message = replace(message, calls=calls)
    if not _tokens(message.content):
        return message
    at = len(message.content) - message.passing
    lasting, passing = neutralize(message.content[:at]), neutralize(message.content[at:])
    notes = len(neutralize(message.content[: message.notes]))
    parts = tuple(_parts(message))
    return replace(message, content=lasting + passing, passing=len(passing), notes=notes, parts=parts)


def _parts(message: Message) -> list[Part]:
    """The parts; the last one is cut where the passing text begins, like the content."""
    made: list[Part] = [neutralize(part) if isinstance(part, str) else part for part in message.parts]
    if message.passing and made and isinstance(last := message.parts[-1], str):
        made[-1] = neutralize(last[: -message.passing]) + neutralize(last[-message.passing :])
    return made


def _neutralized_call(call: Call) -> Call:
    """A call in which the model repeats people's words; the backslash is part of the JSON's strings."""
    try:
        read = json.loads(call.arguments)
    except (ValueError, RecursionError):
        return replace(call, arguments=neutralize(call.arguments))
    made = _in_strings(read)
    return call if made == read else replace(call, arguments=json.dumps(made, ensure_ascii=False))


def _in_strings(value: Any) -> Any:
    if isinstance(value, str):
        return neutralize(value)
    if isinstance(value, dict):
        return {neutralize(name): _in_strings(item) for name, item in value.items()}
    return [_in_strings(item) for item in value] if isinstance(value, list) else value
