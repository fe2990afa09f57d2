"""What ``/privacy`` says about this installation, from its settings.

It must be true of every configuration: a new way for words to leave the bot, or to stay on its disk, is added here.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from bot.handlers.privacy_command import Disclosure
from bot.settings import Settings

TELEGRAM = "api.telegram.org"
"""Telegram's own Bot API server; any other is one between Telegram and the bot, and sees everything."""


def disclosure(settings: Settings, servers: Sequence[str]) -> Disclosure:
    """The facts about these settings; `servers`: the hosts of model servers."""
    return Disclosure(
        recipients=tuple(dict.fromkeys((*_between(settings), *servers))),
        listens=settings.group_listen == "on",
        days=settings.retention_days,
        backup_days=settings.backup_keep if settings.backup_dir is not None else None,
        reports=_reports(settings),
        logs_words=settings.log_words == "on",
    )


def _between(settings: Settings) -> tuple[str, ...]:
    """The host of a Bot API server that isn't Telegram's."""
    host = urlsplit(settings.telegram_api_url).hostname or TELEGRAM
    return () if host == TELEGRAM else (host,)


def _reports(settings: Settings) -> str | None:
    """The host that error reports are sent to; None if there are none.

    They have no words, but who runs a server may be told that something failed, and when.
    """
    if settings.sentry_dsn is None:
        return None
    return urlsplit(settings.sentry_dsn.get_secret_value()).hostname
