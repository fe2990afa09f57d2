"""Speech to text: ``POST {base_url}/audio/transcriptions`` of OpenAI-compatible servers."""

import json
import re
from functools import partial

import openai

from bot.errors import RequestRefused
from bot.llm.answer_stream import clean_text
from bot.llm.client import make_client
from bot.llm.embeddings import BYTES_A_TOKEN
from bot.llm.failures import failure_in, translate
from bot.llm.interface import Sound
from bot.llm.lenient import mapping, mappings, text
from bot.llm.request_queue import Rank, RequestQueue, in_turn, waiting_chat
from bot.llm.server import CONNECT_TIMEOUT_S, RETRIES
from bot.llm.stream_events import ExtraRequest, Usage
from bot.llm.usage_report import parse_usage

_BROKEN = re.compile(r'<|[{\[]\s*["{\[]')
"""Looks like HTML or JSON. A transcript may start with a single bracket, such as ``[music]``."""


class Transcriptions:
    """A transcription model."""

    def __init__(
        self, *, base_url: str, api_key: str | None, model: str, timeout: float, gate: RequestQueue | None = None
    ) -> None:
        """`api_key`: None sends none; `timeout`: seconds of silence allowed."""
        self.name, self.base_url = model, base_url
        self._gate, self._retries = gate or RequestQueue(base_url), RETRIES
        self._client = make_client(base_url, api_key, silence=timeout, connect=CONNECT_TIMEOUT_S)

    async def transcribe(self, sound: Sound, requests: list[ExtraRequest] | None = None) -> str:
        once = partial(self._words, sound, requests)
        return await in_turn(once, self._gate, Rank.ANSWER, waiting_chat(), self._retries)

    async def _words(self, sound: Sound, requests: list[ExtraRequest] | None) -> str:
        file = (f"voice.{sound.format}", sound.data)
        try:
            # The raw response: openai's client raises other exceptions than its own for an unreadable one.
            answer = await self._client.audio.transcriptions.with_raw_response.create(model=self.name, file=file)
        except openai.OpenAIError as exc:
            raise translate(exc, streaming=False) from exc
        words = _words(answer.content, answer.http_response.url.host)
        if requests is not None:
            requests.append(ExtraRequest(0, len(words.encode()) // BYTES_A_TOKEN, _usage(answer.content)))
        return words

    async def close(self) -> None:
        await self._client.close()


def _usage(content: bytes) -> Usage | None:
    """The usage, if the server counts tokens; some count seconds."""
    try:
        return parse_usage(mapping(json.loads(content)).get("usage"))
    except (ValueError, RecursionError):
        return None


def _words(content: bytes, host: str) -> str:
    """The transcript in a response, which may be JSON or plain text. Raises a ModelError."""
    plain = content.decode("utf-8", "replace").strip()
    try:
        answer = json.loads(plain)
    except (ValueError, RecursionError):
        answer = None if _BROKEN.match(plain) else plain
    if (error := failure_in(mapping(answer), host=host)) is not None:
        raise error
    words = answer if isinstance(answer, str) else plain if isinstance(answer, int | float) else None
    if isinstance(answer, dict):
        words = answer.get("text", answer.get("segments"))
        words = "" if words is None and "text" in answer else words
    if isinstance(words, list):
        words = "".join(text(segment.get("text")) for segment in mappings(words))
    if not isinstance(words, str):
        raise RequestRefused(f"a transcription without text, of {len(content)} bytes")
    return clean_text(words).strip()
