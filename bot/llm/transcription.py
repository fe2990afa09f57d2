"""Sounds to words: ``POST {base_url}/audio/transcriptions``, as every OpenAI-compatible server has it."""

import openai

from bot.errors import RequestRefused
from bot.llm.client import client
from bot.llm.failures import translate
from bot.llm.interface import Sound
from bot.llm.server import CONNECT_TIMEOUT_S, RETRIES


class Transcriptions:
    """A model that writes down what it hears."""

    def __init__(self, *, base_url: str, api_key: str | None, model: str, timeout: float) -> None:
        """`api_key` None: none is sent; `timeout`: the longest silence of the server, in seconds."""
        self._model = model
        self._client = client(base_url, api_key, retries=RETRIES, silence=timeout, connect=CONNECT_TIMEOUT_S)

    async def transcribe(self, sound: Sound) -> str:
        """See Transcriber.transcribe."""
        file = (f"voice.{sound.format}", sound.data)
        try:
            answer: object = await self._client.audio.transcriptions.create(model=self._model, file=file)
        except openai.OpenAIError as exc:
            raise translate(exc, streaming=False) from exc
        words = getattr(answer, "text", None)
        if not isinstance(words, str):
            raise RequestRefused(f"a transcription without text: {answer!r:.200}")
        return words.strip()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
