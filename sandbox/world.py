"""The simulated outside world: a Bot API server, a model server, and the settings that point a bot at them."""

import fcntl
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.botapi import BotApi
from sandbox.model import MODEL_NAME, ModelServer

ANY_KEY = "key-of-the-stand-in"
"""Not a word that the bot might use: it masks its key in all logs."""


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model server elsewhere."""

    url: str
    name: str
    key: str


class World:
    """``async with World(folder) as world``: runs the servers; ``world.environment`` says where they are.

    Everything is stored in `data`: a world in the same folder continues where the last one ended, however that ended.
    With a `remote_model` the bot uses that, and the stand-in runs unused. Raises OSError if another world uses the
    folder or a port is taken.
    """

    def __init__(
        self, data: Path, remote_model: RemoteModel | None = None, bot_api_port: int = 0, model_port: int = 0
    ) -> None:
        self.data = data.resolve()
        self.data.mkdir(parents=True, exist_ok=True)
        self.telegram = BotApi(path=str(self.data / "sandbox-telegram.db"), version="10.3")
        self.model = ModelServer()
        self.environment: dict[str, str] = {}
        self._remote_model = remote_model
        self._ports = bot_api_port, model_port
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            lock = starting.enter_context((self.data / "sandbox.lock").open("w"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise OSError(f"another sandbox is running in {self.data}") from exc
            telegram = await starting.enter_async_context(self.telegram.run(port=self._ports[0]))
            stand_in = await starting.enter_async_context(self.model.run(port=self._ports[1]))
            self._running = starting.pop_all()
        model = self._remote_model or RemoteModel(stand_in, MODEL_NAME, ANY_KEY)
        self.environment = {
            "TELEGRAM_BOT_TOKEN": self.telegram.token,
            "TELEGRAM_API_URL": telegram,
            "OPENAI_API_KEY": model.key,
            "OPENAI_BASE_URL": model.url,
            "OPENAI_MODEL": model.name,
            "ACCESS": "open",
            "DATABASE_URL": f"sqlite:///{self.data / 'sandbox.db'}",
        }
        if self._remote_model is None:
            self.environment["TRANSCRIPTION_MODEL"] = MODEL_NAME
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.aclose()
