"""The shell's commands: ``python -m bot [run|sandbox|backup]``, ``run`` when nothing is named."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bot import logs
from bot.errors import SettingError, StartError
from bot.settings import Settings, load

WRONG_SETTING = 2
FAILED = 1


def main(arguments: Sequence[str]) -> int:
    """Run a command; returns the exit code."""
    if arguments[:1] == ["sandbox"]:  # it has options of its own, and no settings
        from sandbox.terminal import main as sandbox

        return sandbox(list(arguments[1:]), [sys.executable, "-m", "bot", "run"])
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the bot has handlers of its own
    try:
        settings = load()
        logs.configure(settings.log_level, settings.log_format, settings.secrets)
        asyncio.run(_backup(settings, options.file) if options.command == "backup" else _run(settings))
    except StartError as exc:
        print(exc, file=sys.stderr)
        return WRONG_SETTING if isinstance(exc, SettingError) else FAILED
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Keepsake, a Telegram chatbot that remembers.")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="run the bot (the default)")
    commands.add_parser("sandbox", help="try it here, without Telegram and without a model")
    backup = commands.add_parser("backup", help="copy the database, also beside a running bot")
    backup.add_argument("file", type=Path, help="where the copy goes; must not exist yet")
    return parser.parse_args(arguments)


async def _run(settings: Settings) -> None:
    from bot.app import run  # telegram and openai take two seconds to import: only what runs the bot pays that

    await run(settings)


async def _backup(settings: Settings, target: Path) -> None:
    from storage import StorageError
    from storage.backup import backup

    try:
        await backup(settings.database_path, target)
    except StorageError as exc:
        raise StartError(str(exc)) from exc


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
