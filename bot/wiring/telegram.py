"""Wiring of the Telegram side: the connection, and the handlers with what they need."""

import time
from dataclasses import dataclass

from telegram import Bot

from bot.access.access_requests import AccessRequests
from bot.access.roster import RosterReader
from bot.archive.export import Exporter
from bot.conversation.audio import AudioTranscriber
from bot.conversation.response_deletion import ResponseDeletion
from bot.conversation.thresholds import MemoryMode
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
from bot.handlers.guards import AdminGuard, Guards, Pace
from bot.handlers.last_resort import LastResort
from bot.handlers.membership import MembershipHandlers
from bot.handlers.memory_command import MemoryHandlers
from bot.handlers.messages import AnswerHandlers, MessageHandlers
from bot.handlers.owners import AccessRequestHandlers, OwnerHandlers, OwnerLinkHandlers
from bot.handlers.pending_questions import QuestionHandlers
from bot.handlers.privacy_command import PrivacyHandlers
from bot.handlers.rate_limits import AnswerLimiter
from bot.handlers.router import Router
from bot.handlers.search_command import SearchHandlers
from bot.handlers.sending import OutboxSender
from bot.handlers.set_aside import SetAsideHandlers
from bot.handlers.settings_command import SettingsHandlers
from bot.handlers.table import Handlers, HandlerTable
from bot.handlers.topic_titles import TopicHandlers
from bot.handlers.turn_reader import TurnReader
from bot.handlers.usage_command import UsageHandlers
from bot.handlers.usage_parts import UsageParts
from bot.handlers.why_command import WhyHandlers
from bot.inbound.addressing import Addressing
from bot.inbound.attachments import Attachments
from bot.inbound.reading import MessageReader
from bot.inbound.unchanged import RecentMessages
from bot.scheduler import Jobs, JobSettings
from bot.updates.guarded_jobs import GuardedJobs
from bot.updates.lanes import Lanes
from bot.wiring.conversation import Engine
from bot.wiring.disclosure import disclosure
from bot.wiring.foundation import Foundation
from bot.wiring.limits import model_roles
from bot.wiring.persistence import backup_folder
from bot.wiring.traffic import Traffic


@dataclass(frozen=True, slots=True)
class _Shared:
    """The objects that several handlers use."""

    addressing: Addressing
    admins: AdminGuard
    rate_limiter: AnswerLimiter
    recent: RecentMessages
    cancellations: Cancellations
    questions: QuestionHandlers
    requests: AccessRequests
    links: OwnerLinkHandlers
    set_aside: SetAsideHandlers
    topics: TopicHandlers


def build_router(base: Foundation, engine: Engine, bot: Bot, traffic: Traffic, lanes: Lanes) -> Router:
    """Build the router with all handlers; it is the worker to start the lanes with."""
    storage, access = base.storage, base.access
    shared = _shared(base, engine, bot, traffic, lanes)
    guards = Guards(shared.admins, shared.rate_limiter, base.owners, Pace(time.time))
    return Router(
        storage=storage,
        gate=AccessGate(storage, shared.addressing, access, base.owners, shared.requests, shared.links, lanes),
        table=HandlerTable(guards, _handlers(base, engine, bot, traffic, lanes, shared)),
        last_resort=LastResort(storage),
        replies=_reply_worker(base, engine, traffic, shared.cancellations, shared.set_aside, lanes),
        cancellations=shared.cancellations,
        questions=shared.questions,
        topics=shared.topics,
        set_aside=shared.set_aside,
        quarantine=traffic.quarantine,
        access=access,
        addressing=shared.addressing,
        rate_limiter=shared.rate_limiter,
        recent=shared.recent,
        deliverer=traffic.deliverer,
    )


def _shared(base: Foundation, engine: Engine, bot: Bot, traffic: Traffic, lanes: Lanes) -> _Shared:
    settings, storage = base.settings, base.storage
    addressing = Addressing(bot.id, bot.username, bot.first_name, settings.group_trigger == "always")
    requests = AccessRequests(storage.access, storage.chats, storage.outbox, base.owners, time.time)
    return _Shared(
        addressing=addressing,
        admins=AdminGuard(bot, time.time),
        rate_limiter=AnswerLimiter(settings.messages_per_minute, time.time, storage.rates),
        recent=RecentMessages(),
        cancellations=Cancellations(storage, has_question=lanes.has_question),
        questions=QuestionHandlers(storage.database, storage.questions, storage.outbox, bot, addressing, time.time),
        requests=requests,
        links=OwnerLinkHandlers(storage.database, storage.access, requests, base.owners, lanes, time.time),
        set_aside=SetAsideHandlers(storage, traffic.quarantine, base.access, bot, time.time, lanes),
        topics=TopicHandlers(storage.database, storage.chats, engine.titles, bot),
    )


def _handlers(base: Foundation, engine: Engine, bot: Bot, traffic: Traffic, lanes: Lanes, shared: _Shared) -> Handlers:
    settings, storage, zone, budget = base.settings, base.storage, base.settings.zone, base.budget
    cancellations, questions, listens = shared.cancellations, shared.questions, settings.group_listen == "on"
    commands = CommandHandlers(storage, cancellations, budget, settings.reset_keep_days, time.time)
    memory = MemoryHandlers(engine.memory, engine.maintenance, cancellations, questions)
    forget = ForgetHandlers(
        storage.deletions, storage.outbox, questions, shared.admins, engine.forgetting, engine.eraser, zone, time.time
    )
    chat_settings = _settings_handlers(base, engine, questions)
    answers = AnswerHandlers(questions, shared.admins, memory, forget, chat_settings)
    reader = _turn_reader(base, engine, traffic, bot.id, questions)
    messages = _message_handlers(base, engine, reader, answers, shared, listens=listens)
    roster = RosterReader(storage.access, storage.chats, storage.usage, base.rules, base.owners, zone)
    parts = UsageParts(storage.usage, budget, roster, base.owners, model_roles(settings))
    return Handlers(
        messages=messages,
        edits=_edit_handlers(base, engine, reader, messages, shared),
        topics=shared.topics,
        membership=_membership_handlers(base, bot, listens=listens),
        commands=commands,
        privacy=PrivacyHandlers(disclosure(settings, base.servers.recipients)),
        buttons=ButtonHandlers(storage, cancellations, budget, engine.recorder, time.time),
        summary=SummaryHandlers(engine.summaries, cancellations, zone, time.time),
        memory=memory,
        forget=forget,
        search=SearchHandlers(storage.history, engine.recall, engine.indexer, zone),
        why=WhyHandlers(storage.bases, storage.history, storage.memories, zone),
        usage=UsageHandlers(storage.usage, budget, base.prices.currency, settings.cached_price, zone, time.time, parts),
        budget=BudgetHandlers(budget, roster, base.prices.unpriced),
        export=ExportHandlers(
            storage.archive, Exporter(storage.archive, storage.media), cancellations, bot.first_name, zone, time.time
        ),
        settings=chat_settings,
        questions=questions,
        set_aside=shared.set_aside,
        owners=OwnerHandlers(storage.access, shared.requests, base.owners, roster, shared.links, commands, lanes),
        access_requests=AccessRequestHandlers(storage.access, shared.requests, base.owners, lanes),
        broadcast=BroadcastHandlers(storage.broadcasts, roster, base.owners, time.time),
    )


def build_jobs(base: Foundation, engine: Engine, bot: Bot, traffic: Traffic, lanes: Lanes) -> Jobs:
    """Build the scheduled jobs. Raises SettingError."""
    settings, storage = base.settings, base.storage
    return Jobs(
        storage=storage,
        keyboards=traffic.deliverer,
        retention=engine.retention,
        outbox=OutboxWorker(storage, bot, base.owners, lanes),
        responses=ResponseDeletion(storage.database, storage.servers, base.servers.keeper),
        wakeups=lanes,
        backups=backup_folder(settings),
        settings=JobSettings(
            *(settings.compact_schedule, settings.zone, settings.inbox_keep_days),
            *(settings.reset_keep_days, settings.retention_days),
        ),
        clock=time.time,
        guard=GuardedJobs(traffic.quarantine, time.monotonic),
    )


def _turn_reader(
    base: Foundation, engine: Engine, traffic: Traffic, bot_id: int, questions: QuestionHandlers
) -> TurnReader:
    storage, most_tokens = base.storage, engine.limits.document_tokens
    attachments = Attachments(traffic.downloads, base.servers.converter, base.count_tokens, most_tokens)
    return TurnReader(
        database=storage.database,
        recorder=engine.recorder,
        reader=MessageReader(attachments, bot_id),
        transcriber=AudioTranscriber(base.servers.transcriber, engine.usage),
        selector=engine.selector,
        access=base.access,
        questions=questions,
    )


def _message_handlers(
    base: Foundation, engine: Engine, reader: TurnReader, answers: AnswerHandlers, shared: _Shared, *, listens: bool
) -> MessageHandlers:
    return MessageHandlers(
        transcript=base.storage.transcript,
        edits=base.storage.edits,
        recorder=engine.recorder,
        reader=reader,
        addressing=shared.addressing,
        questions=shared.questions,
        answers=answers,
        rate_limiter=shared.rate_limiter,
        cancellations=shared.cancellations,
        recent=shared.recent,
        listens=listens,
    )


def _edit_handlers(
    base: Foundation, engine: Engine, reader: TurnReader, messages: MessageHandlers, shared: _Shared
) -> EditHandlers:
    return EditHandlers(
        edits=base.storage.edits,
        transcript=base.storage.transcript,
        editor=engine.editor,
        messages=messages,
        reader=reader,
        questions=shared.questions,
        addressing=shared.addressing,
        rate_limiter=shared.rate_limiter,
        cancellations=shared.cancellations,
        recent=shared.recent,
        since=time.time(),
    )


def _reply_worker(
    base: Foundation,
    engine: Engine,
    traffic: Traffic,
    cancellations: Cancellations,
    aside: SetAsideHandlers,
    lanes: Lanes,
) -> ReplyWorker:
    owners = base.owners
    sender = OutboxSender(
        base.storage,
        deliverer=traffic.deliverer,
        cancellations=cancellations,
        set_aside=aside,
        quarantine=traffic.quarantine,
        access=base.access,
        lanes=lanes,
    )
    return ReplyWorker(
        base.storage,
        conversation=engine.conversation,
        deliverer=traffic.deliverer,
        sender=sender,
        maintenance=engine.maintenance,
        alerts=OwnerAlerts(base.storage, owners, lanes, lambda: base.budget.today().date()),
        warnings=BudgetWarnings(base.storage, base.budget, owners.ids),
        cancellations=cancellations,
        set_aside=aside,
        quarantine=traffic.quarantine,
        lanes=lanes,
    )


def _membership_handlers(base: Foundation, bot: Bot, *, listens: bool) -> MembershipHandlers:
    return MembershipHandlers(
        chats=base.storage.chats,
        access=base.storage.access,
        inbox=base.storage.inbox,
        policy=base.access,
        username=bot.username,
        name=bot.first_name,
        hears_all=bool(bot.can_read_all_group_messages),
        listens=listens,
        clock=time.time,
    )


def _settings_handlers(base: Foundation, engine: Engine, questions: QuestionHandlers) -> SettingsHandlers:
    settings = base.settings
    return SettingsHandlers(
        chats=base.storage.chats,
        questions=questions,
        selector=engine.selector,
        way=MemoryMode(settings.memory),
        reply_format=settings.reply_format,
        listens=settings.group_listen == "on",
        recalls=settings.recall_tokens > 0,
        most_persona=engine.limits.persona_tokens,
        count_tokens=base.count_tokens,
        clock=time.time,
    )
