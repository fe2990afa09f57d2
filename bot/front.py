"""The Telegram side, put together: the handlers and what they need."""

import time

from telegram import Bot

from bot.access.door import Door
from bot.access.listing import Listing
from bot.access.requests import Requests
from bot.archive.exporting import Exporter
from bot.conversation.budget import Budget
from bot.conversation.ears import Ears
from bot.conversation.ledger import Ledger
from bot.conversation.marks import Way
from bot.engine import Engine
from bot.handlers.access import Gate
from bot.handlers.admins import Admins
from bot.handlers.alarm import Alarm
from bot.handlers.aside import Aside
from bot.handlers.broadcast import BroadcastHandlers
from bot.handlers.budget import BudgetHandlers, Hints
from bot.handlers.buttons import Buttons
from bot.handlers.chat import ChatHandlers
from bot.handlers.claims import Claims
from bot.handlers.commands import Commands
from bot.handlers.edits import EditHandlers
from bot.handlers.endings import Endings
from bot.handlers.entrance import Entrance
from bot.handlers.export import ExportHandlers
from bot.handlers.failures import Failures
from bot.handlers.forget import ForgetHandlers
from bot.handlers.membership import MembershipHandlers
from bot.handlers.memory import MemoryHandlers
from bot.handlers.owners import OwnerHandlers
from bot.handlers.pace import Pace
from bot.handlers.questions import Questions
from bot.handlers.replies import Replies
from bot.handlers.requests import RequestHandlers
from bot.handlers.search import SearchHandlers
from bot.handlers.settings import SettingsHandlers
from bot.handlers.summary import SummaryHandlers
from bot.handlers.table import Handlers, PTBApplication
from bot.handlers.topics import TopicHandlers
from bot.handlers.usage import UsageHandlers
from bot.handlers.why import WhyHandlers
from bot.inbound.addressing import Addressing
from bot.inbound.attachments import Attachments
from bot.inbound.downloads import Downloads
from bot.inbound.reading import Reader
from bot.intake.quarantine import Quarantine
from bot.opening import make_door
from bot.outbound.delivery import Sender
from bot.purse import prices
from bot.services import Services
from bot.settings import Settings
from storage import Storage
from storage.records import Place


def build(
    settings: Settings,
    application: PTBApplication,
    storage: Storage,
    parts: Engine,
    services: Services,
    sender: Sender,
    budget: Budget,
    downloads: Downloads,
    quarantine: Quarantine,
) -> Handlers:
    """Put the handlers together."""
    bot, listens = application.bot, settings.group_listen == "on"
    admins = Admins(storage, bot, time.time)
    addressing = Addressing(bot.id, bot.username, bot.first_name, settings.group_trigger == "always")
    door = make_door(settings, storage)
    aside = Aside(storage, quarantine, door, bot, time.time)
    replies = _replies(parts, sender, budget, aside)
    priced = prices(settings, services.profiles, services.models)
    questions = Questions(storage, bot, addressing, time.time)
    memory = MemoryHandlers(storage, parts.notes, parts.upkeep, replies.endings, questions)
    commands = Commands(storage, replies.endings, budget, settings.reset_keep_days, listens, time.time)
    chat = _chat(settings, parts, services, door, memory, admins, downloads)
    return Handlers(
        application=application,
        entrance=_entrance(addressing, Listing(storage, door, settings.zone), commands, replies.alarm),
        admins=admins,
        membership=_membership(storage, door, bot, listens=listens),
        chat=chat,
        edits=EditHandlers(storage, chat, parts.editing, time.time()),
        commands=commands,
        buttons=Buttons(storage, replies.endings, budget, parts.hearing, time.time),
        summary=SummaryHandlers(storage, parts.summaries, replies.endings, settings.zone, time.time),
        memory=memory,
        forget=chat.forget,
        search=SearchHandlers(storage, parts.recall, parts.indexer, settings.zone),
        why=WhyHandlers(storage, settings.zone),
        usage=UsageHandlers(storage, budget, priced.currency, settings.cached_price, settings.zone, time.time),
        budget=BudgetHandlers(storage, budget, priced.unpriced),
        settings=chat.settings,
        export=ExportHandlers(storage, Exporter(storage), replies.endings, bot.first_name, settings.zone, time.time),
        failures=Failures(storage),
        replies=replies,
        aside=aside,
        topics=TopicHandlers(storage, parts.titles, bot),
    )


def _replies(parts: Engine, sender: Sender, budget: Budget, aside: Aside) -> Replies:
    door = aside.door
    hints = Hints(door.storage, budget, door.owners.ids)
    alarm = Alarm(door.storage, door.owners)
    return Replies(door.storage, parts.conversation, sender, parts.upkeep, alarm, hints, Endings(door.storage), aside)


def _chat(
    settings: Settings,
    parts: Engine,
    services: Services,
    door: Door,
    memory: MemoryHandlers,
    admins: Admins,
    downloads: Downloads,
) -> ChatHandlers:
    storage, questions = door.storage, memory.questions
    return ChatHandlers(
        storage=storage,
        hearing=parts.hearing,
        reader=_reader(admins.bot, parts, services, downloads),
        ears=Ears(services.transcriber, Ledger(storage, settings.zone, time.time)),
        choice=parts.choice,
        door=door,
        addressing=questions.addressing,
        questions=questions,
        memory=memory,
        forget=ForgetHandlers(storage, questions, parts.forgetting, parts.erasing, settings.zone, time.time),
        admins=admins,
        settings=_settings(settings, questions, parts),
        pace=Pace(storage, settings.messages_per_minute, time.time),
        endings=memory.endings,
        listens=settings.group_listen == "on",
    )


def _reader(bot: Bot, parts: Engine, services: Services, downloads: Downloads) -> Reader:
    count_tokens, most_tokens = parts.hearing.count_tokens, parts.limits.document_tokens
    return Reader(Attachments(downloads, services.workshop, count_tokens, most_tokens), bot.id)


def _entrance(addressing: Addressing, listing: Listing, commands: Commands, alarm: Alarm) -> Entrance:
    storage = listing.storage

    def settle(place: Place) -> None:
        alarm.settle(place)  # which gets to know the lanes when there are some

    requests = Requests(storage, listing.door.owners, time.time)
    claims = Claims(storage, requests, settle, time.time)
    return Entrance(
        gate=Gate(storage, addressing, listing.door, requests, claims, settle),
        requests=RequestHandlers(storage, requests, settle),
        owners=OwnerHandlers(storage, requests, listing, claims, commands, settle),
        broadcast=BroadcastHandlers(storage, listing, time.time),
    )


def _membership(storage: Storage, door: Door, bot: Bot, *, listens: bool) -> MembershipHandlers:
    return MembershipHandlers(
        storage=storage,
        door=door,
        username=bot.username,
        name=bot.first_name,
        hears_all=bool(bot.can_read_all_group_messages),
        listens=listens,
        clock=time.time,
    )


def _settings(settings: Settings, questions: Questions, parts: Engine) -> SettingsHandlers:
    return SettingsHandlers(
        storage=questions.storage,
        questions=questions,
        choice=parts.choice,
        way=Way(settings.memory),
        reply_format=settings.reply_format,
        listens=settings.group_listen == "on",
        recalls=settings.recall_tokens > 0,
        most_persona=parts.limits.persona_tokens,
        count_tokens=parts.hearing.count_tokens,
        clock=time.time,
    )
