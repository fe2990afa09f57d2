"""Wiring of the connection to Telegram, and of what sends and downloads through it."""

from dataclasses import dataclass
from typing import Any

from telegram import Bot
from telegram.ext import Application, ApplicationBuilder
from telegram.request import HTTPXRequest

from bot.handlers.send_journal import GroupSendJournal
from bot.http import trust
from bot.inbound.downloads import Downloads
from bot.outbound.delivery import Deliverer
from bot.outbound.flood_control import FloodControl
from bot.outbound.formatting import Conversions
from bot.outbound.reach import CountedRequests, TelegramReach
from bot.outbound.refusals import Features
from bot.settings import Settings
from bot.updates.claimed_chats import ClaimedChats
from bot.updates.quarantine import Quarantine
from storage import Storage

PTBApplication = Application[Any, Any, Any, Any, Any, Any]
CONNECTIONS = 128
"""The most requests to Telegram at a time."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The client for Telegram; `polling` has its own connection, so that a long poll takes none from answers."""

    application: PTBApplication
    polling: HTTPXRequest


@dataclass(frozen=True, slots=True)
class Traffic:
    """Services for outgoing messages and incoming files, and the record of updates that ended the process."""

    deliverer: Deliverer
    flood_control: FloodControl
    journal: GroupSendJournal
    downloads: Downloads
    quarantine: Quarantine


def connect(settings: Settings, reach: TelegramReach) -> Connection:
    """Create the client; nothing is sent before its application is initialized. `reach` sees all requests."""
    polling = CountedRequests(1, reach, httpx_kwargs={"verify": trust()})
    application = (
        ApplicationBuilder()
        .token(settings.telegram_bot_token.get_secret_value())
        .base_url(f"{settings.telegram_api_url}/bot")
        .base_file_url(f"{settings.telegram_api_url}/file/bot")
        .request(CountedRequests(CONNECTIONS, reach, httpx_kwargs={"verify": trust()}))
        .get_updates_request(polling)
        .updater(None)
        .job_queue(None)
        .build()
    )
    return Connection(application, polling)


def open_traffic(
    settings: Settings, storage: Storage, bot: Bot, quarantine: Quarantine, chats: ClaimedChats
) -> Traffic:
    """Create the services; the caller has to close `downloads`."""
    conversions, flood_control = Conversions(quarantine.reading), FloodControl()
    journal = GroupSendJournal(storage, bot, chats)
    deliverer = Deliverer(bot, flood_control, Features(), None, settings.reply_format, conversions, journal)
    return Traffic(deliverer, flood_control, journal, Downloads(bot, trust(), quarantine.reading), quarantine)
