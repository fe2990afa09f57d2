"""The sandbox's options on the command line."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.world import RemoteModel


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for; port 0 means any free one."""

    data: Path
    remote_model: RemoteModel | None
    bot_api_port: int
    model_port: int
    bot: bool
    chat: bool


def parse(arguments: Sequence[str]) -> Options:
    """Read the options; ends the program with a usage line where they are wrong."""
    parser = argparse.ArgumentParser(
        prog="sandbox", description="Talk to the bot on this machine, without Telegram and without a model."
    )
    parser.add_argument("--model-url", metavar="URL", help="a real model server, in place of the stand-in")
    parser.add_argument("--model", metavar="NAME", help="the model to ask for at --model-url")
    parser.add_argument("--model-key", metavar="KEY", help="its key; else OPENAI_API_KEY, if it is at OPENAI_BASE_URL")
    parser.add_argument("--data", metavar="DIR", type=Path, default=Path("data"), help="where all is kept (data)")
    parser.add_argument("--bot-api-port", metavar="PORT", type=int, default=0, help="any free one by default")
    parser.add_argument("--model-port", metavar="PORT", type=int, default=0, help="any free one by default")
    parser.add_argument("--no-bot", action="store_true", help="start no bot; show the variables that one needs")
    parser.add_argument("--headless", action="store_true", help="the servers only, until they are ended")
    given = parser.parse_args(arguments)
    if bool(given.model_url) != bool(given.model):
        parser.error("--model-url and --model go together")
    return Options(
        data=given.data,
        remote_model=_remote_model(given),
        bot_api_port=given.bot_api_port,
        model_port=given.model_port,
        bot=not (given.no_bot or given.headless),
        chat=not given.headless,
    )


def _remote_model(given: argparse.Namespace) -> RemoteModel | None:
    if not given.model_url:
        return None
    # A server on one's own machine mostly takes any key, but a client insists on sending one.
    return RemoteModel(given.model_url, given.model, given.model_key or _key_of(given.model_url) or "none")


def _key_of(url: str) -> str | None:
    """The environment's key, where it is this server's."""
    wanted, known = urlsplit(url), urlsplit(os.environ.get("OPENAI_BASE_URL", ""))
    same = (wanted.scheme, wanted.netloc) == (known.scheme, known.netloc)
    return os.environ.get("OPENAI_API_KEY") if same else None
