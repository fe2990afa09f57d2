"""What can be made to go wrong in the sandbox, so that one can watch the bot cope.

A slow network and flood limits are Telegram's; an old Bot API is a server that knows no newer methods and fields; a
model's fault takes the place of all answers until it is taken away; and the bot itself can be killed and started.
"""

from collections.abc import Mapping
from typing import Final

from sandbox.bot_process import BotProcess
from sandbox.botapi.parameters import VERSIONS
from sandbox.model import Behaviour, Break, Cut, Fail, Hang, NoFinish, Raw, Say
from sandbox.world import World

SLOW_S: Final = 1.5
"""What a slow network adds to each call of the bot."""
NO_BOT: Final = "The bot was not started here. Stop and start it where you started it."
UNFINISHED: Final = (
    "This is an answer that was going to be rather longer, had the server not stopped in the middle of it."
)
MODEL_FAULTS: Final[Mapping[str, tuple[str, Behaviour]]] = {
    "busy": ("Too many requests (429)", Fail(429, "Rate limit reached", headers={"retry-after": "5"})),
    "overloaded": ("Overloaded (503)", Fail(503, "The server is overloaded")),
    "key": ("Wrong key (401)", Fail(401, "Incorrect API key provided", code="invalid_api_key")),
    "quota": ("No credit left (429)", Fail(429, "You exceeded your current quota", code="insufficient_quota")),
    "refused": ("Refuses the content (400)", Fail(400, "Rejected by the safety system", code="content_filter")),
    "hang": ("Never answers", Hang()),
    "cut": ("Connection drops in the middle", Cut(UNFINISHED, delay=0.05, after=40)),
    "break": ("Reports an error in the middle", Break(UNFINISHED, delay=0.05, after=40)),
    "unfinished": ("Ends without saying so", NoFinish(UNFINISHED, delay=0.05)),
    "empty": ("Says nothing", Say("")),
    "garbage": ("Sends a web page", Raw(b"<html><h1>502 Bad Gateway</h1></html>", media_type="text/html")),
}
"""What a model can do instead of answering, each with a label."""


class Troubles:
    """What is going wrong in a world; everything is a property that can be set. Lost when the sandbox ends."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._model_fault = ""

    @property
    def slow(self) -> bool:
        """Whether each of the bot's calls to Telegram takes longer."""
        return self._world.telegram.faults.latency > 0

    @slow.setter
    def slow(self, on: bool) -> None:
        self._world.telegram.faults.latency = SLOW_S if on else 0.0

    @property
    def floods(self) -> bool:
        """Whether Telegram limits how much the bot writes."""
        return self._world.telegram.flood_limits

    @floods.setter
    def floods(self, on: bool) -> None:
        self._world.telegram.flood_limits = on

    @property
    def version(self) -> str:
        """The version of the Bot API that the server has; setting an unknown one raises LookupError."""
        return self._world.telegram.version

    @version.setter
    def version(self, version: str) -> None:
        if version not in VERSIONS:
            raise LookupError(f"The version is one of {', '.join(VERSIONS)}.")
        self._world.telegram.version = version

    @property
    def model_fault(self) -> str:
        """A name in MODEL_FAULTS; "": the model answers. Setting an unknown one raises LookupError."""
        return self._model_fault

    @model_fault.setter
    def model_fault(self, name: str) -> None:
        if name == self._model_fault:
            return
        if name and name not in MODEL_FAULTS:
            raise LookupError(f"The model's fault is one of {', '.join(MODEL_FAULTS)}.")
        if name:
            self._world.model.always(MODEL_FAULTS[name][1])
        else:
            self._world.model.answer_with(self._world.answering.answer)
        self._model_fault = name

    @property
    def reaches_model(self) -> bool:
        """Whether the bot notices the model's faults: requests to a model elsewhere don't pass through the sandbox."""
        return self._world.model_in_use.kind != "remote"

    @property
    def bot_state(self) -> str:
        """What the bot does: "running", "stopped" or "elsewhere"."""
        if self._world.bot is None:
            return "elsewhere"
        return "running" if self._world.bot.running else "stopped"

    async def kill(self) -> None:
        """End the bot by SIGKILL, even in the middle of an answer. Raises LookupError if it runs elsewhere."""
        bot = self._bot()
        if bot.running:
            bot.kill()
            await bot.wait()

    async def stop(self) -> None:
        """Shut the bot down cleanly. Raises LookupError if it runs elsewhere."""
        await self._bot().stop()

    async def start(self) -> None:
        """Start the bot unless it runs. Raises LookupError if it runs elsewhere."""
        await self._bot().start()

    def _bot(self) -> BotProcess:
        if self._world.bot is None:
            raise LookupError(NO_BOT)
        return self._world.bot
