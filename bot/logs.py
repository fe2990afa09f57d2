"""The log: one handler on stderr, in text or JSON, and no secret in any line of it.

Secrets are taken out of the finished line, so that it does not matter which library wrote it, or whether a token stood
in the message, in a URL or deep in a chain of exceptions.
"""

import json
import logging
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from urllib.parse import quote

HIDDEN = "[hidden]"
NOISY = (
    "httpx",
    "httpcore",
    "httpx2",
    "httpcore2",
    "openai",
    "apscheduler",
    "uvicorn",
    "aiosqlite",
    "filelock",
    "asyncio",
)
"""Libraries that report every request, every statement, or what we report ourselves."""
SHORTEST_SECRET = 6
"""A shorter key (local servers take any) protects nothing, and hiding each of its letters would spoil every line."""

log = logging.getLogger("bot")


class SecretFilter:
    """Replaces secrets in a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)  # the longest first: a part must not spoil the whole

    def hide(self, text: str) -> str:
        """The text without the secrets."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text


class TextFormatter(logging.Formatter):
    """``2026-11-23T12:00:00Z INFO bot.app: Ready``, with the traceback below it."""

    def __init__(self, hider: SecretFilter) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}", style="{")
        self._hider = hider

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        """The time in UTC, to the second."""
        return _time(record)

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        return self._hider.hide(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and error and stack where there are some.

    What a line was given as ``extra={"fields": {...}}`` stands in it under those names.
    """

    def __init__(self, hider: SecretFilter) -> None:
        super().__init__()
        self._hider = hider

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        line = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": self._hider.hide(record.getMessage()),
        }
        fields = getattr(record, "fields", {})
        line |= {name: self._hider.hide(str(value)) for name, value in fields.items() if name not in line}
        if record.exc_info:
            line["error"] = self._hider.hide(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = self._hider.hide(self.formatStack(record.stack_info))
        return json.dumps(line, ensure_ascii=False)


def configure(level: str, form: str, secrets: Iterable[str]) -> None:
    """Send everything to stderr; `form` is text or json. Warnings and uncaught exceptions go the same way."""
    hider = SecretFilter(secrets)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(hider) if form == "json" else TextFormatter(hider))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.raiseExceptions = False  # what logging prints of a broken log call is not our line: it would show secrets
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "DEBUG" else logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("The bot ends with an error that nobody expected", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit:  # a thread may end itself
        log.error("A thread ended with an error that nobody expected", exc_info=args.exc_value)


def _unraisable(args: "sys.UnraisableHookArgs") -> None:
    log.error("An error where none can be raised", exc_info=args.exc_value)


def _forms(secret: str) -> Iterable[str]:
    """A secret as it may stand in a log: bare, in a URL, in a repr, in JSON; of a bot token also its secret half."""
    _, _, half = secret.partition(":")
    for part in (secret, half):
        if len(part) >= SHORTEST_SECRET:
            yield from (part, quote(part), quote(part, safe=""), repr(part)[1:-1], json.dumps(part)[1:-1])


def _time(record: logging.LogRecord) -> str:
    return f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%SZ}"
