"""The simulated outside world: a Bot API server, a model server, and the settings that point a bot at them."""

import fcntl
import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.answering import NO_KEY, AnsweringModel, ModelInUse, RemoteModel
from sandbox.bot_process import BotProcess
from sandbox.botapi import BotApi
from sandbox.model import ModelServer
from sandbox.seed import seed
from sandbox.server_process import ServerProcess
from sandbox.user_api.address import shared_address

BOT_ID = 123456
KEY_BYTES = 24
INSPECTOR_STARTS = 100
DATABASE = "sandbox.db"


class World:
    """``async with World(folder) as world``: runs the servers; ``world.environment`` has the bot's settings.

    Everything is stored in `data`: a world in the same folder continues where the last one ended, however that ended.
    `bot` is the command line of the bot's program, without its subcommand; None: a bot is started elsewhere. With
    `local_model`, the local model answers where it is installed; with `remote_model`, that one. Tokens and keys are
    new at each start, since pages of any site can reach a port on loopback. Raises OSError if another world uses the
    folder or a port is taken.
    """

    def __init__(
        self,
        data: Path,
        remote_model: RemoteModel | None = None,
        bot_api_port: int = 0,
        model_port: int = 0,
        *,
        bot: Sequence[str] | None = None,
        local_model: bool = False,
    ) -> None:
        self.data = data.resolve()
        self.data.mkdir(parents=True, exist_ok=True)
        self.user_token = secrets.token_urlsafe(KEY_BYTES)
        token = f"{BOT_ID}:{secrets.token_urlsafe(KEY_BYTES)}"
        self.telegram = BotApi(
            token, path=str(self.data / "sandbox-telegram.db"), version="10.3", user_token=self.user_token
        )
        self.telegram_url = ""
        self._model_key = secrets.token_urlsafe(KEY_BYTES)
        self.model = ModelServer(key=self._model_key)
        self.answering = AnsweringModel(self.data, self.model, remote_model, local=local_model)
        self.environment: dict[str, str] = {}
        self.bot: BotProcess | None = None
        if bot is not None:
            self.bot = BotProcess([*bot, "run"], self.environment, self.data / "sandbox.log")
        self._program = bot
        self._inspector: ServerProcess | None = None
        self._ports = bot_api_port, model_port
        self._model_url = ""
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            lock = starting.enter_context((self.data / "sandbox.lock").open("w"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise OSError(f"another sandbox is running in {self.data}") from exc
            self.telegram_url = await starting.enter_async_context(self.telegram.run(port=self._ports[0]))
            self._model_url = await starting.enter_async_context(self.model.run(port=self._ports[1]))
            starting.enter_context(shared_address(self.data, self.telegram_url, self.user_token))
            self.answering.start()
            starting.push_async_callback(self.answering.stop)
            starting.push_async_callback(self._stop_processes)
            self._running = starting.pop_all()
        self._set_environment()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.aclose()

    @property
    def model_in_use(self) -> ModelInUse:
        """The model that answers now."""
        return self.answering.in_use

    async def replace_model(self, url: str, key: str, name: str) -> None:
        """Let a model on a server elsewhere answer; the bot is restarted with it.

        Raises ValueError, with a sentence for people, if that server can't be used.
        """
        await self._use(RemoteModel(url.strip(), name.strip(), key.strip() or NO_KEY))

    async def restore_model(self) -> None:
        """Let the sandbox's own model answer again; the bot is restarted with it."""
        await self._use(None)

    async def _use(self, model: RemoteModel | None) -> None:
        if self.bot is None:
            raise ValueError("The bot was not started here: give it the model's settings where you start it.")
        if model is not None:
            await model.check()
        await self.answering.use(model)
        await self.bot.stop()
        self._set_environment()
        await self.bot.start()
        if self._inspector is not None:  # its settings are those of the bot
            await self._inspector.stop()
            self._inspector.start()

    def start_inspector(self, frame_origin: str) -> None:
        """Start the inspector of the bot's database, which pages of this origin may show in a frame."""
        if self._program is None:
            return
        argv = [*self._program, "inspect", "--no-open", "--frame", frame_origin]
        log = self.data / "inspector.log"
        self._inspector = ServerProcess(argv, self.environment, log, starts=INSPECTOR_STARTS, after=self._bot_asks)
        self._inspector.start()

    async def _bot_asks(self) -> None:
        """Wait until the bot has started: its database is there then, and starting it had the processors to itself."""
        await self.telegram.changed(lambda: self.telegram.polls > 0, timeout=None)

    @property
    def inspector_url(self) -> str:
        """The inspector's address with its token; "" while it does not run."""
        return "" if self._inspector is None else self._inspector.address

    async def _stop_processes(self) -> None:
        if self._inspector is not None:
            await self._inspector.stop()
        if self.bot is not None:
            await self.bot.stop()

    def _set_environment(self) -> None:
        self.environment.clear()
        self.environment |= {
            "TELEGRAM_BOT_TOKEN": self.telegram.token,
            "TELEGRAM_API_URL": self.telegram_url,
            "DATABASE_URL": f"sqlite:///{self.data / DATABASE}",
            **seed(self.telegram),
            **self.answering.settings(self._model_url, self._model_key),
        }
