"""Messages in the Chat Completions format, and the audio part of an answer.

A message of plain text is sent as a string, because some servers refuse or drop content parts.
"""

import base64
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from bot.llm.interface import MARKERS, Image, Message, Part, Sound
from bot.llm.tool_calls import add_calls

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam


def message_param(
    message: Message, without: Collection[str] = frozenset(), *, marker: str = "", sound_as_url: bool = False
) -> "ChatCompletionMessageParam":
    """One message; `marker`: the field to mark it with, if it is marked; `without`: see ``with_calls``.

    `sound_as_url`: see ``ServerProfile``.
    """
    content: object = message.content
    marked = bool(marker and message.mark)
    if message.parts or (marked and message.content):
        lasting, passing = split_at_mark(message) if marked else (message.parts, ())
        parts = [_part(part, sound_as_url=sound_as_url) for part in (*lasting, *passing)]
        if marked and lasting:
            parts[len(lasting) - 1][marker] = MARKERS[marker]
        content = parts
    made = add_calls({"role": message.role, "content": content}, message, without)
    return cast("ChatCompletionMessageParam", made)


def split_at_mark(message: Message) -> tuple[Sequence[Part], Sequence[Part]]:
    """Split the parts of a marked message at its mark."""
    *before, last = message.parts or (message.content,)
    if not message.passing or not isinstance(last, str):
        return (*before, last), ()
    words, passing = last[: -message.passing], last[-message.passing :]
    return (*before, words) if words else tuple(before), (passing,)


def voice_fields(voice: str, form: str) -> dict[str, JsonValue]:
    """Request fields for a spoken answer."""
    return {"modalities": ["text", "audio"], "audio": {"voice": voice, "format": form}}


def voice_in(audio: Mapping[str, object]) -> bytes:
    """The samples in the ``audio`` of a delta."""
    data = audio.get("data")
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) else b""
    except ValueError:  # includes text that isn't ASCII
        return b""


def transcript_in(audio: Mapping[str, object]) -> str:
    """The transcript in the ``audio`` of a delta, where some servers put the answer's text."""
    words = audio.get("transcript")
    return words if isinstance(words, str) else ""


def _part(part: Part, *, sound_as_url: bool) -> dict[str, object]:
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": {"url": f"data:{part.mime};base64,{base64_text(part.data)}"}}
    if isinstance(part, Sound):
        prefix = "data:;base64," if sound_as_url else ""
        sound = {"data": prefix + base64_text(part.data), "format": part.format}
        return {"type": "input_audio", "input_audio": sound}
    return {"type": "text", "text": part}


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
