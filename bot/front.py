"""The Telegram side, put together: the handlers and what they need."""

import time

from telegram import Bot

from bot.access.access_requests import AccessRequests
from bot.access.policy import AccessPolicy
from bot.access.roster import RosterReader
from bot.archive.export import Exporter
from bot.cli.opening import make_door
from bot.conversation.audio import AudioTranscriber
from bot.conversation.budget import Budget
from bot.conversation.thresholds import MemoryMode
from bot.conversation.usage_recorder import UsageRecorder
from bot.engine import Engine
from bot.handlers.access_gate import AccessGate
from bot.handlers.answering import ReplyWorker
from bot.handlers.broadcast import BroadcastHandlers, OwnerAlerts
from bot.handlers.budget_command import BudgetHandlers, BudgetWarnings
from bot.handlers.buttons import ButtonHandlers
from bot.handlers.cancellation import Cancellations
from bot.handlers.commands import CommandHandlers, SummaryHandlers
from bot.handlers.edited_messages import EditHandlers
from bot.handlers.export_command import ExportHandlers
from bot.handlers.forget_command import ForgetHandlers
from bot.handlers.guards import AdminGuard, RateLimiter
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
from bot.inbound.addressing import Addressing
from bot.inbound.attachments import Attachments
from bot.inbound.downloads import Downloads
from bot.inbound.reading import MessageReader
from bot.outbound.delivery import Deliverer
from bot.pricing import prices
from bot.services import Services
from bot.settings import Settings
from bot.updates.quarantine import Quarantine
from storage import Storage
from storage.records import ChatKey


def build(
    settings: Settings,
    application: PTBApplication,
    storage: Storage,
    parts: Engine,
    services: Services,
    sender: Deliverer,
    budget: Budget,
    downloads: Downloads,
    quarantine: Quarantine,
) -> Router:
    """Put the handlers together."""
    bot, listens = application.bot, settings.group_listen == "on"
    admins = AdminGuard(storage, bot, time.time)
    addressing = Addressing(bot.id, bot.username, bot.first_name, settings.group_trigger == "always")
    door = make_door(settings, storage)
    aside = SetAsideHandlers(storage, quarantine, door, bot, time.time)
    replies = _replies(parts, sender, budget, aside)
    priced = prices(settings, services.profiles, services.models)
    questions = QuestionHandlers(storage, bot, addressing, time.time)
    memory = MemoryHandlers(storage, parts.notes, parts.upkeep, replies.endings, questions)
    commands = CommandHandlers(storage, replies.endings, budget, settings.reset_keep_days, listens, time.time)
    chat = _chat(settings, parts, services, door, memory, admins, downloads)
    return Router(
        application=application,
        entrance=_entrance(addressing, RosterReader(storage, door, settings.zone), commands, replies.alarm),
        admins=admins,
        membership=_membership(storage, door, bot, listens=listens),
        chat=chat,
        edits=EditHandlers(storage, chat, parts.editing, time.time()),
        commands=commands,
        buttons=ButtonHandlers(storage, replies.endings, budget, parts.hearing, time.time),
        summary=SummaryHandlers(storage, parts.summaries, replies.endings, settings.zone, time.time),
        memory=memory,
        forget=chat.forget,
        search=SearchHandlers(storage, parts.recall, parts.indexer, settings.zone),
        why=WhyHandlers(storage, settings.zone),
        usage=UsageHandlers(storage, budget, priced.currency, settings.cached_price, settings.zone, time.time),
        budget=BudgetHandlers(storage, budget, priced.unpriced),
        settings=chat.settings,
        export=ExportHandlers(storage, Exporter(storage), replies.endings, bot.first_name, settings.zone, time.time),
        failures=LastResort(storage),
        replies=replies,
        aside=aside,
        topics=TopicHandlers(storage, parts.titles, bot),
    )


def _replies(parts: Engine, sender: Deliverer, budget: Budget, aside: SetAsideHandlers) -> ReplyWorker:
    door = aside.door
    hints = BudgetWarnings(door.storage, budget, door.owners.ids)
    alarm = OwnerAlerts(door.storage, door.owners)
    return ReplyWorker(
        door.storage, parts.conversation, sender, parts.upkeep, alarm, hints, Cancellations(door.storage), aside
    )


def _chat(
    settings: Settings,
    parts: Engine,
    services: Services,
    door: AccessPolicy,
    memory: MemoryHandlers,
    admins: AdminGuard,
    downloads: Downloads,
) -> MessageHandlers:
    storage, questions = door.storage, memory.questions
    return MessageHandlers(
        storage=storage,
        hearing=parts.hearing,
        reader=_reader(admins.bot, parts, services, downloads),
        ears=AudioTranscriber(services.transcriber, UsageRecorder(storage, settings.zone, time.time)),
        choice=parts.choice,
        door=door,
        addressing=questions.addressing,
        questions=questions,
        memory=memory,
        forget=ForgetHandlers(storage, questions, parts.forgetting, parts.erasing, settings.zone, time.time),
        admins=admins,
        settings=_settings(settings, questions, parts),
        pace=RateLimiter(storage, settings.messages_per_minute, time.time),
        endings=memory.endings,
        listens=settings.group_listen == "on",
    )


def _reader(bot: Bot, parts: Engine, services: Services, downloads: Downloads) -> MessageReader:
    count_tokens, most_tokens = parts.hearing.count_tokens, parts.limits.document_tokens
    return MessageReader(Attachments(downloads, services.workshop, count_tokens, most_tokens), bot.id)


def _entrance(
    addressing: Addressing, listing: RosterReader, commands: CommandHandlers, alarm: OwnerAlerts
) -> AccessHandlers:
    storage = listing.storage

    def settle(place: ChatKey) -> None:
        alarm.settle(place)  # which gets to know the lanes when there are some

    requests = AccessRequests(storage, listing.door.owners, time.time)
    claims = OwnerLinkHandlers(storage, requests, settle, time.time)
    return AccessHandlers(
        gate=AccessGate(storage, addressing, listing.door, requests, claims, settle),
        requests=AccessRequestHandlers(storage, requests, settle),
        owners=OwnerHandlers(storage, requests, listing, claims, commands, settle),
        broadcast=BroadcastHandlers(storage, listing, time.time),
    )


def _membership(storage: Storage, door: AccessPolicy, bot: Bot, *, listens: bool) -> MembershipHandlers:
    return MembershipHandlers(
        storage=storage,
        door=door,
        username=bot.username,
        name=bot.first_name,
        hears_all=bool(bot.can_read_all_group_messages),
        listens=listens,
        clock=time.time,
    )


def _settings(settings: Settings, questions: QuestionHandlers, parts: Engine) -> SettingsHandlers:
    return SettingsHandlers(
        storage=questions.storage,
        questions=questions,
        choice=parts.choice,
        way=MemoryMode(settings.memory),
        reply_format=settings.reply_format,
        listens=settings.group_listen == "on",
        recalls=settings.recall_tokens > 0,
        most_persona=parts.limits.persona_tokens,
        count_tokens=parts.hearing.count_tokens,
        clock=time.time,
    )
