"""The shell's commands: ``python -m bot [run|sandbox|doctor|users|...]``; ``--help`` lists them.

Without a command, ``run`` is meant.
"""

import argparse
import asyncio
import logging
import re
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot import __version__
from bot.cli import output
from bot.errors import SettingError, StartError

if TYPE_CHECKING:  # slow imports happen inside main(), where Ctrl-C is handled
    from bot.settings import Settings
    from storage.records import ChatKey

WRONG_SETTING = 2
FAILED = 1
INTERRUPTED = 128 + signal.SIGINT
DATABASE_ONLY = ("users", "allow", "block", "backup", "restore", "export", "import", "inspect")
"""Commands that need no token and no key."""
MODULE, SCRIPT = "python -m bot", "keepsake"
NOT_INSTALLED = (
    "{name} is not installed for {python}. In the folder of the repository, use .venv/bin/python, which make sets up."
)
NO_PAGES = "{name} is not installed: the inspector needs the extra page (pip install -e '.[page]')"
NO_SANDBOX = "{name} is not installed: the sandbox needs the extra sandbox (pip install -e '.[sandbox]')"
OF_SANDBOX = ("websockets", "prompt_toolkit")
OURS = ("bot", "storage", "sandbox")

log = logging.getLogger("bot.__main__")  # also with python -m bot: other loggers are taken for libraries


def console() -> int:
    """The console script ``keepsake``; returns the exit code."""
    return main(sys.argv[1:], SCRIPT)


def main(arguments: Sequence[str], program: str = MODULE) -> int:
    """Run a command; returns the exit code. `program` is what the user has typed for it."""
    try:
        from storage import files

        files.restrict()  # every file that is written may contain what people said
        if arguments[:1] == ["help"]:
            arguments = [*arguments[1:2], "--help"]
        if arguments[:1] == ["sandbox"]:  # has its own options and needs no settings
            from sandbox.program import main as sandbox

            with output.flushed():
                return sandbox(list(arguments[1:]), [sys.executable, "-m", "bot"], f"{program} sandbox")
        options = _parse(arguments, program)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the bot installs its own handlers
        from bot import logs
        from bot.settings import load, setting_mistakes

        settings = load(online=options.command not in DATABASE_ONLY)
        words = settings.log_words == "on"
        level, names = _log_level(options, settings), settings.names_for_log
        logs.configure(level, settings.log_format, _secrets(options, settings), names=names, words=words)
        for mistake in setting_mistakes():
            log.warning("%s", mistake.text)
        return asyncio.run(_work(options, settings)) or 0
    except StartError as exc:
        output.complain(exc)
        return WRONG_SETTING if isinstance(exc, SettingError) else FAILED
    except output.ReaderGoneError:
        return output.READER_GONE
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.partition(".")[0] in OURS:
            raise
        sentence = NO_SANDBOX if exc.name in OF_SANDBOX else NOT_INSTALLED
        output.complain(sentence.format(name=exc.name, python=sys.executable))
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _parse(arguments: Sequence[str], program: str = MODULE) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=program, description="Keepsake, a Telegram chatbot that remembers.")
    parser.add_argument("--version", action="version", version=f"Keepsake {__version__}")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="run the bot (the default)")
    commands.add_parser("sandbox", help="try it on this machine, without Telegram")
    commands.add_parser("doctor", help="check what keeps the bot from answering; works while it runs")
    commands.add_parser("users", help="show who has access and what they used; works while the bot runs")
    allow = commands.add_parser("allow", help="let a person or a group in; works while the bot runs")
    block = commands.add_parser("block", help="block a person or leave a group; works while the bot runs")
    for command in (allow, block):
        command.add_argument("id", type=_telegram_id, help="the Telegram ID; negative for a group")
    commands.add_parser("owner", help="print a one-time link to become an owner; works while the bot runs")
    backup = commands.add_parser("backup", help="copy the database; works while the bot runs")
    backup.add_argument("file", type=Path, help="where to put the copy; must not exist yet")
    restore = commands.add_parser("restore", help="replace the database with a backup; stop the bot first")
    restore.add_argument("file", type=Path, help="the backup; anything forgotten since then comes back")
    inspect = commands.add_parser("inspect", help="show what answers were based on, in the browser")
    inspect.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; any that is free without it")
    inspect.add_argument("--frame", type=_origin, metavar="ORIGIN", help="let pages of http://127.0.0.1:PORT show it")
    inspect.add_argument("--no-open", action="store_true", help="print the address, and open no browser")
    export = commands.add_parser("export", help="write the history of one chat or of all; works while the bot runs")
    export.add_argument("--chat", type=_key, metavar="ID", help="the chat's Telegram ID, or --chat=ID/TOPIC")
    export.add_argument("file", nargs="?", default="-", help="must not exist yet; - (the default) is standard output")
    imported = commands.add_parser("import", help="add an exported file to the database; stop the bot first")
    imported.add_argument(
        "file",
        metavar="FILE_OR_URL",
        help="an export, or ChatGPT's (the ZIP archive or conversations.json); or the URL of a whole database to copy"
        " into the new one in DATABASE_URL: sqlite:///data/keepsake.db or postgresql://...",
    )
    imported.add_argument(
        "--chat", type=_key, metavar="ID", help="only for ChatGPT's: the private chat for it, or --chat=ID/TOPIC"
    )
    which = imported.add_mutually_exclusive_group()
    which.add_argument(
        "--conversation",
        metavar="TITLE_OR_ID",
        action="append",
        default=[],
        help="only for ChatGPT's: which of several conversations (without it they are listed); can be repeated",
    )
    which.add_argument("--all", action="store_true", help="only for ChatGPT's: all of them, one after another")
    with output.flushed():
        return parser.parse_args(arguments)


def _work(options: argparse.Namespace, settings: "Settings") -> Coroutine[None, None, int | None]:
    """The coroutine that carries out the command; it may return an exit code."""
    if options.command in (None, "run"):
        if settings.sentry_dsn is not None:
            from bot.error_reports import open_reports

            open_reports(settings.sentry_dsn.get_secret_value(), settings.secrets, __version__)
        from bot.app import run  # telegram and openai take two seconds to import: only `run` should pay for that

        return run(settings)
    if options.command == "doctor":
        from bot.doctor.checkup import check_up

        return check_up(settings, output.write)
    if options.command in ("users", "allow", "block", "owner"):
        return _admission(options, settings)
    if options.command == "inspect":
        return _inspection(options, settings)
    from bot.archive.importing import ImportOptions
    from bot.cli import data

    if options.command == "backup":
        return data.backup(settings, options.file)
    if options.command == "restore":
        return data.restore(settings, options.file)
    if options.command == "export":
        return data.export(settings, options.chat, None if options.file == "-" else Path(options.file))
    wish = ImportOptions(options.chat, tuple(options.conversation), options.all)
    if _names_database(options.file):
        from bot.cli.import_database import import_database

        return import_database(settings, options.file, wish)
    return data.import_file(settings, Path(options.file), wish)


def _names_database(file: str) -> bool:
    """Whether this is a URL rather than a file."""
    from bot.setting_types import POSTGRES, SQLITE, with_lower_scheme

    return with_lower_scheme(file).startswith((SQLITE, *POSTGRES))


def _secrets(options: argparse.Namespace, settings: "Settings") -> tuple[str, ...]:
    """What the log must not show, with the password in a URL of the command."""
    if options.command != "import" or not _names_database(options.file):
        return settings.secrets
    from bot.settings import with_database

    return (*settings.secrets, *with_database(settings, options.file).secrets)


async def _admission(options: argparse.Namespace, settings: "Settings") -> None:
    from bot.cli import users as admission
    from storage.access_list import AccessStatus

    if options.command == "users":
        output.write(await admission.users(settings))
    elif options.command == "owner":
        output.write(await admission.owner(settings))
    else:
        status = AccessStatus.ALLOWED if options.command == "allow" else AccessStatus.BLOCKED
        output.write(await admission.put(settings, options.id, status))


def _inspection(options: argparse.Namespace, settings: "Settings") -> Coroutine[None, None, None]:
    """Raises StartError if NiceGUI isn't installed."""
    try:
        from bot.inspector.inspector_server import inspect  # the running bot never imports it
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.partition(".")[0] in OURS:
            raise
        raise StartError(NO_PAGES.format(name=exc.name)) from exc
    return inspect(settings, options.port, options.frame, output.write, opens=not options.no_open)


def _log_level(options: argparse.Namespace, settings: "Settings") -> str:
    """Commands whose output says what the log would are quiet unless DEBUG is set: the doctor, `allow` and `block`."""
    level = settings.log_level
    if options.command == "doctor" and level != "DEBUG":
        return "CRITICAL"
    return "WARNING" if options.command in ("allow", "block") and level == "INFO" else level


def _origin(text: str) -> str:
    if not re.fullmatch(r"http://(127\.0\.0\.1|localhost):\d{1,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an origin like http://127.0.0.1:8000")
    return text


def _telegram_id(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", text) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not an ID: an ID is a number")
    return int(text)


def _key(text: str) -> "ChatKey":
    from storage.records import ChatKey

    match = re.fullmatch(r"(-?\d{1,18})(?:/(\d{1,18}))?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a chat's ID: that is a number, or two separated by /")
    return ChatKey(int(match[1]), int(match[2] or 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
