"""An answer in the form of the other API than the one that was asked: gateways hand on what stands behind them."""

from bot.llm.chunks import Chunks
from bot.llm.events import Event
from bot.llm.interface import Delta
from bot.llm.loose import Object, mappings, text
from bot.llm.response_events import ResponseEvents

_CHAT = ("chat.completion", "text_completion")


class Forms:
    """Reads one stream; `host` is the server's (see Chunks)."""

    def __init__(self, host: str, *, responses: bool) -> None:
        """`responses`: what is in neither form is read as the Responses API."""
        self.chunks, self.responses = Chunks(host), ResponseEvents(host)
        self._in_responses = responses

    def read(self, event: Event) -> Delta:
        """What an event adds. Raises a ModelError for a failure that it tells of."""
        data = event.data
        chat, response = _is_chat(data), _is_response(data, event.name)
        if chat != response:
            self._in_responses = response
        return self.responses.read(event) if self._in_responses else self.chunks.read(data, event.name)

    def end(self) -> Delta | None:
        """What the end of a stream adds that says that it is done, for a server that names no reason."""
        return self.responses.end() if self._in_responses else self.chunks.end()


def _is_chat(data: Object) -> bool:
    return bool(mappings(data.get("choices"))) or text(data.get("object")).startswith(_CHAT)


def _is_response(data: Object, name: str) -> bool:
    kind = text(data.get("type")) or name
    return kind.startswith("response.") or data.get("object") == "response" or bool(mappings(data.get("output")))
