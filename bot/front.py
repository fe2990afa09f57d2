"""The Telegram side, put together: the handlers and what they need."""

import time

from telegram import Bot

from bot.archive.exporting import Exporter
from bot.conversation.ears import Ears
from bot.conversation.marks import Way
from bot.engine import Engine
from bot.handlers.access import Gate
from bot.handlers.admins import Admins
from bot.handlers.alarm import Alarm
from bot.handlers.buttons import Buttons
from bot.handlers.chat import ChatHandlers
from bot.handlers.commands import Commands
from bot.handlers.edits import EditHandlers
from bot.handlers.export import ExportHandlers
from bot.handlers.failures import Failures
from bot.handlers.forget import ForgetHandlers
from bot.handlers.membership import MembershipHandlers
from bot.handlers.memory import MemoryHandlers
from bot.handlers.replies import Replies
from bot.handlers.search import SearchHandlers
from bot.handlers.settings import SettingsHandlers
from bot.handlers.summary import SummaryHandlers
from bot.handlers.table import Handlers, PTBApplication
from bot.handlers.usage import UsageHandlers
from bot.inbound.addressing import Addressing
from bot.inbound.attachments import Attachments
from bot.inbound.reading import Reader
from bot.outbound.delivery import Sender
from bot.services import Services
from bot.settings import Settings
from storage import Storage


def build(
    settings: Settings,
    application: PTBApplication,
    storage: Storage,
    parts: Engine,
    services: Services,
    sender: Sender,
) -> Handlers:
    """Put the handlers together."""
    bot, listens = application.bot, settings.group_listen == "on"
    admins = Admins(storage, bot, time.time)
    addressing = Addressing(bot.id, bot.username, bot.first_name, settings.group_trigger == "always")
    allowed = None if settings.access == "open" else settings.owner_ids | settings.allowed_ids
    alarm = Alarm(storage, settings.owner_ids)
    replies = Replies(storage, parts.conversation, sender, parts.upkeep, alarm)
    memory = MemoryHandlers(storage, parts.notes, parts.upkeep)
    forget = ForgetHandlers(storage, parts.forgetting, settings.zone, time.time)
    own = _settings(settings, storage, parts)
    chat = ChatHandlers(
        storage=storage,
        hearing=parts.hearing,
        reader=_reader(bot, parts, services),
        ears=Ears(services.transcriber),
        choice=parts.choice,
        addressing=addressing,
        memory=memory,
        forget=forget,
        admins=admins,
        settings=own,
        listens=listens,
    )
    return Handlers(
        application=application,
        gate=Gate(storage, addressing, allowed),
        admins=admins,
        membership=_membership(storage, bot, listens=listens),
        chat=chat,
        edits=EditHandlers(storage, chat, parts.editing),
        commands=Commands(storage, replies, settings.reset_keep_days, listens, time.time),
        buttons=Buttons(storage, replies, parts.hearing, time.time),
        summary=SummaryHandlers(storage, parts.summaries),
        memory=memory,
        forget=forget,
        search=SearchHandlers(storage, parts.recall, parts.indexer, settings.zone),
        usage=UsageHandlers(storage, settings.cached_price, settings.zone, time.time),
        settings=own,
        export=ExportHandlers(storage, Exporter(storage), bot.first_name, settings.zone, time.time),
        failures=Failures(storage),
        replies=replies,
    )


def _reader(bot: Bot, parts: Engine, services: Services) -> Reader:
    count_tokens, most_tokens = parts.hearing.count_tokens, parts.limits.document_tokens
    return Reader(Attachments(bot, services.workshop, count_tokens, most_tokens), bot.id)


def _membership(storage: Storage, bot: Bot, *, listens: bool) -> MembershipHandlers:
    return MembershipHandlers(
        storage=storage,
        username=bot.username,
        name=bot.first_name,
        hears_all=bool(bot.can_read_all_group_messages),
        listens=listens,
        clock=time.time,
    )


def _settings(settings: Settings, storage: Storage, parts: Engine) -> SettingsHandlers:
    return SettingsHandlers(
        storage=storage,
        choice=parts.choice,
        way=Way(settings.memory),
        listens=settings.group_listen == "on",
        recalls=settings.recall_tokens > 0,
        most_persona=parts.limits.persona_tokens,
        count_tokens=parts.hearing.count_tokens,
        clock=time.time,
    )
