"""A model server that says what the test tells it to, in a thread of its own: Playwright needs the test's."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox.model import MODEL_NAME, Behaviour, ChatRequest, HoldStream, ModelServer
from sandbox.model.behaviour import Point
from sandbox.model.prompt_cache import PromptCount

START_S = 10.0


class ScriptedModel:
    """Answers as queued, or else as the stand-in does; `url` is for an OpenAI client."""

    def __init__(self, server: ModelServer, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.url = url
        self._server = server
        self._loop = loop
        self._holds: list[HoldStream] = []

    @property
    def options(self) -> tuple[str, ...]:
        """The sandbox's options to use it."""
        return ("--model-url", self.url, "--model", MODEL_NAME, "--model-key", "any-key-of-a-test")

    @property
    def variables(self) -> dict[str, str]:
        """The bot's settings to use its other endpoints."""
        return {"TRANSCRIPTION_MODEL": MODEL_NAME}

    @property
    def requests(self) -> list[ChatRequest]:
        return self._server.requests

    @property
    def counts(self) -> list[PromptCount]:
        """The tokens of answered prompts, as the server reported them."""
        return self._server.counts

    def script(self, *behaviours: Behaviour) -> None:
        """Queue one behaviour per coming request."""
        self._call(lambda: self._server.script(*behaviours))

    def hold(self, point: Point) -> HoldStream:
        """For an answer that stops at this point until it is released, at the end of the test at the latest."""
        hold = HoldStream(point)
        self._holds.append(hold)
        return hold

    def clear(self) -> None:
        """Forget what is queued, and let all answers end."""
        self._call(self._server._script.clear)
        for hold in self._holds:
            self.release(hold)
        self._holds.clear()

    def release(self, hold: HoldStream) -> None:
        """Let an answer continue."""
        self._call(hold.release)

    def end(self, ended: asyncio.Event) -> None:
        """Set the event in the server's thread."""
        self._call(ended.set)

    def _call(self, work: Callable[[], None]) -> None:
        done = threading.Event()

        def run() -> None:
            work()
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(START_S)


@contextmanager
def scripted_model() -> Iterator[ScriptedModel]:
    """One while the block runs."""
    server = ModelServer(words_per_second=200)
    started, ended = threading.Event(), asyncio.Event()
    found: list[ScriptedModel] = []

    async def serve() -> None:
        async with server.run() as url:
            found.append(ScriptedModel(server, url, asyncio.get_running_loop()))
            started.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="scripted model")
    thread.start()
    assert started.wait(START_S)
    try:
        yield found[0]
    finally:
        found[0].end(ended)
        thread.join()
