"""Logging: one handler on stderr, in text or JSON, with no secrets in any line.

Secrets are removed from the finished line, no matter which library wrote it and whether the token was in the message,
in a URL or deep in a chain of exceptions.
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
"""Libraries that log every request, every statement, or what the bot logs itself."""
SHORTEST_SECRET = 6
"""A shorter key (local servers accept any) protects nothing, and hiding a letter or two would spoil every line."""

log = logging.getLogger("bot")


class SecretFilter:
    """Replaces secrets in a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)  # longest first: replacing only a part would show the rest

    def hide(self, text: str) -> str:
        """The text with every secret replaced."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text


class TextFormatter(logging.Formatter):
    """``2026-11-23T12:00:00Z INFO bot.app: Ready``, followed by the traceback if there is one."""

    def __init__(self, hider: SecretFilter) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}", style="{")
        self._hider = hider

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        """The time in UTC, to the second."""
        return _time(record)

    def format(self, record: logging.LogRecord) -> str:
        """The finished line, without secrets."""
        return self._hider.hide(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, and error and stack if there are any.

    ``extra={"fields": {...}}`` adds fields under those names.
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
    """Log everything to stderr, including warnings and uncaught exceptions; `form` is "text" or "json"."""
    hider = SecretFilter(secrets)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(hider) if form == "json" else TextFormatter(hider))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.raiseExceptions = False  # its report of a broken log call bypasses the handler and would show secrets
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "DEBUG" else logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("The bot ends with an unexpected error", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit:  # a thread may end itself
        log.error("A thread ended with an unexpected error", exc_info=args.exc_value)


def _unraisable(args: "sys.UnraisableHookArgs") -> None:
    log.error("An exception could not be raised where it happened", exc_info=args.exc_value)


def _forms(secret: str) -> Iterable[str]:
    """The forms a secret may have in a log: plain, in a URL, a repr or JSON; of a bot token also its secret half."""
    _, _, half = secret.partition(":")
    for part in (secret, half):
        if len(part) >= SHORTEST_SECRET:
            yield from (part, quote(part), quote(part, safe=""), repr(part)[1:-1], json.dumps(part)[1:-1])


def _time(record: logging.LogRecord) -> str:
    return f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%SZ}"
