"""Error reports to Sentry, if SENTRY_DSN is set: where it failed, and no words of messages.

Sentry gets what the log has at ERROR and above. Messages are sent without their values, exceptions without what they
quote, stack frames without variables. Nothing else is collected: no requests, no breadcrumbs, no performance data.
"""

import importlib
from collections.abc import Callable
from typing import Any

from bot.errors import SettingError
from bot.logs import SecretFilter, current_turn
from bot.wordless import without_words

EXTRA = "sentry"

Event = dict[str, Any]


def open_reports(dsn: str, secrets: tuple[str, ...], release: str) -> None:
    """Send reports from now on. Raises SettingError without the extra or with an invalid DSN."""
    try:
        sentry = importlib.import_module("sentry_sdk")
    except ImportError:
        raise SettingError(f"SENTRY_DSN: install the extra {EXTRA!r} to use it (pip install -e '.[{EXTRA}]')") from None
    try:
        sentry.init(
            dsn=dsn,
            release=release,
            before_send=wordless(SecretFilter(secrets)),
            send_default_pii=False,
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
        )
    except ValueError:  # sentry_sdk.utils.BadDsn
        raise SettingError("SENTRY_DSN: this is not a DSN; it looks like https://key@host/1") from None


def wordless(hider: SecretFilter) -> Callable[[Event, Event], Event]:
    """A function that takes words and secrets out of an event before it is sent."""

    def clean(event: Event, _: Event) -> Event:
        kept = ("event_id", "timestamp", "level", "logger", "platform", "release", "environment", "sdk", "contexts")
        cleaned: Event = {name: event[name] for name in kept if name in event}
        message = event.get("logentry", {}).get("message")
        if message is not None:
            cleaned["logentry"] = {"message": hider.hide(str(message))}
        if "exception" in event:
            cleaned["exception"] = {"values": [_exception(one, hider) for one in event["exception"]["values"]]}
        if (turn := current_turn()) is not None:
            cleaned["tags"] = {"turn": turn.id}
        return cleaned

    return clean


def _exception(exception: Event, hider: SecretFilter) -> Event:
    cleaned: Event = {name: exception[name] for name in ("type", "module", "mechanism") if name in exception}
    frames = (exception.get("stacktrace") or {}).get("frames", ())
    return {
        **cleaned,
        "value": without_words(hider.hide(str(exception.get("value") or ""))),
        "stacktrace": {"frames": [{name: at for name, at in frame.items() if name != "vars"} for frame in frames]},
    }
