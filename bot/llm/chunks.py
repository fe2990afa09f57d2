"""The chunks of a chat completion, read into deltas, of whatever form they are."""

from bot.llm.calls import Calls, Opaque
from bot.llm.finishes import finish_of, reason_in
from bot.llm.interface import Delta, Finish, Usage
from bot.llm.loose import Object, mapping, mappings, text, thoughts, words
from bot.llm.params import transcript_in, voice_in
from bot.llm.stream_failures import failure, failure_in
from bot.llm.usage import reported

_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details", "thinking", "thinking_blocks", "reasoning_text")
"""Qwen and DeepSeek say the first, OpenRouter, Groq and Ollama the second, LiteLLM the fifth, Copilot the last."""


class Chunks:
    """Reads one stream; `host` is the server's, since some words mean something else at some."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._calls, self._opaque = Calls(), Opaque()
        self._said = False
        """There was something that is an answer."""
        self._by_delta = self._over = False

    def read(self, chunk: Object, name: str = "") -> Delta:
        """What a chunk adds. Raises a ModelError for a failure that it tells of; `name` is its event's."""
        if (told := failure_in(chunk, name, self._host)) is not None:
            raise told
        choice = _first_choice(chunk)
        if (error := choice.get("error")) and not isinstance(error, bool):  # OpenRouter
            raise failure(error, self._host)
        if error := mapping(chunk.get("x_groq")).get("error"):  # why it stopped early
            raise failure(error, self._host)
        body = self._body(choice)
        said, thought = words(body.get("content"))
        audio = mapping(body.get("audio"))
        voice = voice_in(audio)
        said = said or text(body.get("refusal")) or transcript_in(audio)
        thought = thought or thoughts([body.get(field) for field in _THOUGHTS])
        self._calls.add(mappings(body.get("tool_calls")))
        self._opaque.add(body)
        self._said = self._said or bool(said or voice or self._calls.begun)
        finish = finish_of(reason_in(choice, chunk), said=self._said)
        self._over = self._over or finish is not None
        calls = self._calls.take() if finish else ()
        return Delta(
            text=said,
            reasoning=thought,
            finish=finish,
            usage=_usage(chunk, choice),
            voice=voice,
            calls=calls,
            opaque=self._opaque.take() if calls else "",
        )

    def end(self) -> Delta | None:
        """What the end of a stream adds that says that it is done, for a server that names no reason."""
        if not self._said or self._over:
            return None
        return Delta(finish=Finish.STOP, calls=self._calls.take(), opaque=self._opaque.take())

    def _body(self, choice: Object) -> Object:
        """The piece in a choice; a whole message stands there if the server does not stream.

        MiniMax repeats the whole message behind its pieces.
        """
        delta = choice.get("delta")
        if isinstance(delta, str | list):
            delta = {"content": delta}
        if mapping(delta):
            self._by_delta = True
            return mapping(delta)
        if mapping(choice.get("message")):
            return {} if self._by_delta else mapping(choice["message"])
        return {"content": choice.get("text")}


def _first_choice(chunk: Object) -> Object:
    """The one answer that was asked for."""
    return next((choice for choice in mappings(chunk.get("choices")) if not _is_another(choice.get("index"))), {})


def _is_another(index: object) -> bool:
    return isinstance(index, int) and index != 0


def _usage(chunk: Object, choice: Object) -> Usage | None:
    """What was reported: beside the choices, by Moonshot inside of one, by Groq in a field of its own."""
    places = (chunk.get("usage"), choice.get("usage"), mapping(chunk.get("x_groq")).get("usage"))
    return next((usage for place in places if (usage := reported(place)) is not None), None)
