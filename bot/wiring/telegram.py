"""The Telegram side: the connection, and the handlers with what they need."""

import time
from dataclasses import dataclass

from telegram import Bot
from telegram.ext import ApplicationBuilder
from telegram.request import HTTPXRequest

from bot.access.access_requests import AccessRequests
from bot.access.roster import RosterReader
from bot.archive.export import Exporter
from bot.conversation.audio import AudioTranscriber
from bot.conversation.response_deletion import ResponseDeletion
from bot.conversation.thresholds import MemoryMode
from bot.conversation.usage_recorder import UsageRecorder
from bot.handlers.access_gate import AccessGate
from bot.handlers.answering import ReplyWorker
from bot.handlers.broadcast import BroadcastHandlers, OutboxWorker, OwnerAlerts
from bot.handlers.budget_command import BudgetHandlers, BudgetWarnings
from bot.handlers.buttons import ButtonHandlers
from bot.handlers.cancellation import Cancellations
from bot.handlers.commands import CommandHandlers, SummaryHandlers
from bot.handlers.edited_messages import EditHandlers
from bot.handlers.export_command import ExportHandlers
from bot.handlers.forget_command import ForgetHandlers
from bot.handlers.guards import AdminGuard, Guards, RateLimiter
from bot.handlers.last_resort import LastResort
from bot.handlers.membership import MembershipHandlers
from bot.handlers.memory_command import MemoryHandlers
from bot.handlers.messages import MessageHandlers
from bot.handlers.owners import AccessRequestHandlers, OwnerHandlers, OwnerLinkHandlers
from bot.handlers.pending_questions import QuestionHandlers
from bot.handlers.router import AccessHandlers, PTBApplication, Router
from bot.handlers.search_command import SearchHandlers
from bot.handlers.set_aside import SetAsideHandlers
from bot.handlers.settings_command import SettingsHandlers
from bot.handlers.topic_titles import TopicHandlers
from bot.handlers.usage_command import UsageHandlers
from bot.handlers.why_command import WhyHandlers
from bot.http import trust
from bot.inbound.addressing import Addressing
from bot.inbound.attachments import Attachments
from bot.inbound.downloads import Downloads
from bot.inbound.reading import MessageReader
from bot.outbound.delivery import Deliverer
from bot.outbound.flood_control import FloodControl
from bot.outbound.formatting import Conversions
from bot.outbound.refusals import Features
from bot.scheduler import Jobs, JobSettings
from bot.settings import Settings
from bot.updates.lanes import Lanes
from bot.updates.quarantine import Quarantine
from bot.wiring.conversation import Engine
from bot.wiring.foundation import Foundation

CONNECTIONS = 256
"""Connections to Telegram, the default of python-telegram-bot."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What speaks to Telegram; `polling` is a connection of its own, so that a long poll takes none from answers."""

    application: PTBApplication
    polling: HTTPXRequest


@dataclass(frozen=True, slots=True)
class Traffic:
    """What messages go out through, what files come in through, and what is known of those that ended the process."""

    deliverer: Deliverer
    downloads: Downloads
    quarantine: Quarantine


def connect(settings: Settings) -> Connection:
    """Nothing is sent before the application is initialized."""
    polling = HTTPXRequest(1, httpx_kwargs={"verify": trust()})
    application = (
        ApplicationBuilder()
        .token(settings.telegram_bot_token.get_secret_value())
        .base_url(f"{settings.telegram_api_url}/bot")
        .base_file_url(f"{settings.telegram_api_url}/file/bot")
        .request(HTTPXRequest(CONNECTIONS, httpx_kwargs={"verify": trust()}))
        .get_updates_request(polling)
        .updater(None)
        .job_queue(None)
        .build()
    )
    return Connection(application, polling)


def open_traffic(settings: Settings, bot: Bot, quarantine: Quarantine) -> Traffic:
    """The caller closes the downloads."""
    conversions = Conversions(quarantine.reading)
    return Traffic(
        Deliverer(bot, FloodControl(), Features(), None, settings.reply_format, conversions),
        Downloads(bot, trust(), quarantine.reading),
        quarantine,
    )


def build_router(
    base: Foundation, engine: Engine, application: PTBApplication, traffic: Traffic, lanes: Lanes
) -> Router:
    """Put the handlers together; the lanes are to be started with them."""
    settings, storage, zone, bot = base.settings, base.storage, base.settings.zone, application.bot
    listens = settings.group_listen == "on"
    addressing = Addressing(bot.id, bot.username, bot.first_name, settings.group_trigger == "always")
    admins, pace = AdminGuard(bot, time.time), RateLimiter(settings.messages_per_minute, time.time)
    questions = QuestionHandlers(storage, bot, addressing, time.time)
    cancellations = Cancellations(storage, waits=lanes.asks)
    aside = SetAsideHandlers(storage, traffic.quarantine, base.access, bot, time.time, lanes)
    commands = CommandHandlers(storage, cancellations, base.budget, settings.reset_keep_days, listens, time.time)
    memory = MemoryHandlers(engine.memory, engine.maintenance, cancellations, questions)
    forget = ForgetHandlers(storage, questions, engine.forgetting, engine.eraser, zone, time.time)
    choices = _settings_handlers(base, engine, questions)
    messages = MessageHandlers(
        storage=storage,
        hearing=engine.recorder,
        reader=_reader(base, engine, traffic, bot.id),
        ears=AudioTranscriber(base.servers.transcriber, UsageRecorder(storage, zone, time.time)),
        choice=engine.selector,
        door=base.access,
        addressing=addressing,
        questions=questions,
        memory=memory,
        forget=forget,
        admins=admins,
        settings=choices,
        pace=pace,
        endings=cancellations,
        listens=listens,
    )
    return Router(
        application=application,
        entrance=_access_handlers(base, addressing, commands, lanes),
        guards=Guards(admins, pace, base.owners),
        membership=_membership_handlers(base, application, listens=listens),
        chat=messages,
        edits=EditHandlers(storage, messages, engine.editor, time.time()),
        commands=commands,
        buttons=ButtonHandlers(storage, cancellations, base.budget, engine.recorder, time.time),
        summary=SummaryHandlers(storage, engine.summaries, cancellations, zone, time.time),
        memory=memory,
        forget=forget,
        search=SearchHandlers(storage, engine.recall, engine.indexer, zone),
        why=WhyHandlers(storage, zone),
        usage=UsageHandlers(storage, base.budget, base.prices.currency, settings.cached_price, zone, time.time),
        budget=BudgetHandlers(storage, base.budget, base.prices.unpriced),
        settings=choices,
        export=ExportHandlers(storage, Exporter(storage), cancellations, bot.first_name, zone, time.time),
        failures=LastResort(storage),
        replies=_reply_worker(base, engine, traffic, cancellations, aside, lanes),
        aside=aside,
        topics=TopicHandlers(storage, engine.titles, bot),
    )


def build_jobs(base: Foundation, engine: Engine, bot: Bot, deliverer: Deliverer, lanes: Lanes) -> Jobs:
    """What runs on a clock."""
    settings, storage = base.settings, base.storage
    return Jobs(
        storage=storage,
        keyboards=deliverer,
        retention=engine.retention,
        outbox=OutboxWorker(storage, bot, base.owners, lanes),
        responses=ResponseDeletion(storage, base.servers.keeper),
        wakeups=lanes,
        settings=JobSettings(
            settings.compact_schedule,
            settings.zone,
            settings.inbox_keep_days,
            settings.reset_keep_days,
            settings.retention_days,
        ),
        clock=time.time,
    )


def _reader(base: Foundation, engine: Engine, traffic: Traffic, bot_id: int) -> MessageReader:
    converter, most_tokens = base.servers.converter, engine.limits.document_tokens
    return MessageReader(Attachments(traffic.downloads, converter, base.count_tokens, most_tokens), bot_id)


def _reply_worker(
    base: Foundation,
    engine: Engine,
    traffic: Traffic,
    cancellations: Cancellations,
    aside: SetAsideHandlers,
    lanes: Lanes,
) -> ReplyWorker:
    owners = base.owners
    return ReplyWorker(
        storage=base.storage,
        conversation=engine.conversation,
        sender=traffic.deliverer,
        upkeep=engine.maintenance,
        alarm=OwnerAlerts(base.storage, owners, lanes),
        hints=BudgetWarnings(base.storage, base.budget, owners.ids),
        endings=cancellations,
        aside=aside,
        lanes=lanes,
    )


def _access_handlers(
    base: Foundation, addressing: Addressing, commands: CommandHandlers, lanes: Lanes
) -> AccessHandlers:
    storage, access, owners = base.storage, base.access, base.owners
    requests = AccessRequests(storage, base.owners, time.time)
    roster = RosterReader(storage, base.rules, base.owners, base.settings.zone)
    links = OwnerLinkHandlers(storage, requests, owners, lanes, time.time)
    return AccessHandlers(
        gate=AccessGate(storage, addressing, access, owners, requests, links, lanes),
        requests=AccessRequestHandlers(storage, requests, owners, lanes),
        owners=OwnerHandlers(storage, requests, owners, roster, links, commands, lanes),
        broadcast=BroadcastHandlers(storage, roster, owners, time.time),
    )


def _membership_handlers(base: Foundation, application: PTBApplication, *, listens: bool) -> MembershipHandlers:
    bot = application.bot
    return MembershipHandlers(
        storage=base.storage,
        door=base.access,
        username=bot.username,
        name=bot.first_name,
        hears_all=bool(bot.can_read_all_group_messages),
        listens=listens,
        clock=time.time,
    )


def _settings_handlers(base: Foundation, engine: Engine, questions: QuestionHandlers) -> SettingsHandlers:
    settings = base.settings
    return SettingsHandlers(
        storage=base.storage,
        questions=questions,
        choice=engine.selector,
        way=MemoryMode(settings.memory),
        reply_format=settings.reply_format,
        listens=settings.group_listen == "on",
        recalls=settings.recall_tokens > 0,
        most_persona=engine.limits.persona_tokens,
        count_tokens=base.count_tokens,
        clock=time.time,
    )
