"""The composition root: every part is made here, once, and closed in the opposite order.

The end of the process: no update is taken in any more, the answers under way may finish, the rest is cancelled (it is
owed and taken up at the next start), and everything is closed.
"""

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack

from telegram import Bot
from telegram.error import InvalidToken
from telegram.ext import ApplicationBuilder
from telegram.request import HTTPXRequest

from bot import engine, front
from bot.access.policy import AccessPolicy, new_link
from bot.cli.opening import make_door, open_storage
from bot.concurrency import return_memory, spare_what_stays, yield_often
from bot.conversation.budget import Budget
from bot.conversation.maintenance import Retention
from bot.conversation.response_deletion import ResponseDeletion
from bot.conversation.tokens import TokenCounter, counter
from bot.errors import SettingError
from bot.handlers.broadcast import OutboxWorker
from bot.handlers.membership import register_menu
from bot.handlers.router import PTBApplication, Router
from bot.http import health_route, serve, trust
from bot.inbound.downloads import Downloads
from bot.language import load
from bot.learning import LearnedFacts
from bot.outbound.delivery import Deliverer
from bot.outbound.flood_control import FloodControl
from bot.outbound.formatting import Conversions
from bot.outbound.refusals import Features
from bot.pricing import open_budget, prices
from bot.scheduler import Jobs, Keep
from bot.services import Services, ask_services, keeper
from bot.settings import Settings
from bot.updates.lanes import Lanes
from bot.updates.polling import Polling, UpdateSource, persistently
from bot.updates.quarantine import Quarantine
from bot.updates.receiver import Receiver
from bot.updates.webhook import Webhook
from storage import Storage

DRAIN_S = 20.0
"""How long answers under way may take to finish when the process is told to end, in seconds."""

LISTS_S = 0.5
"""How long the start waits for what the model's servers tell of their models, in seconds; most answer sooner."""

CONNECTIONS = 256
"""Connections to Telegram, as many as python-telegram-bot takes by itself."""

log = logging.getLogger(__name__)


async def run(settings: Settings) -> None:
    """Run the bot until SIGTERM or SIGINT. Raises StartError when it can't start."""
    return_memory()
    yield_often()
    spare_what_stays()
    quarantine = Quarantine.beside(settings.database_path)
    living = asyncio.create_task(live(settings, quarantine), name="bot")

    def end() -> None:
        quarantine.end()
        living.cancel()

    _on_signals(end)
    try:
        await living
    except asyncio.CancelledError:
        log.info("Ended")


async def live(settings: Settings, quarantine: Quarantine) -> None:
    """Be the bot until cancelled, then end in order. Raises StartError when it can't start."""
    os.environ.setdefault("PTB_TIMEDELTA", "true")  # else python-telegram-bot warns with every flood limit
    async with AsyncExitStack() as stack:
        storage = await open_storage(settings, stack)
        _watch(quarantine, stack)
        services = await _services(settings, storage, stack)
        budget = await _budget(settings, storage, services)
        count_tokens = await asyncio.to_thread(counter, settings.openai_model)
        await _check(settings, services, count_tokens)
        polling_request = _requests(connections=1)
        application = _telegram(settings, polling_request)
        stack.push_async_callback(application.shutdown)
        await _first_contact(application)
        conversions = Conversions(quarantine.reading)
        sender = Deliverer(application.bot, FloodControl(), Features(), None, settings.reply_format, conversions)
        parts = engine.build(
            settings,
            storage,
            services.models,
            services.embedder,
            count_tokens,
            (application.bot.first_name, application.bot.username),
            services.workshop.voice_note,
            budget,
        )
        stack.push_async_callback(parts.upkeep.close)
        await parts.upkeep.begin()
        stack.push_async_callback(parts.erasing.close)
        parts.erasing.begin()
        downloads = _downloads(application.bot, quarantine, stack)
        handlers = front.build(settings, application, storage, parts, services, sender, budget, downloads, quarantine)
        handlers.register()
        lanes = _lanes(handlers, stack)
        receiver = Receiver(storage, lanes, quarantine, application.bot, time.time)
        door = handlers.entrance.gate.door
        errands = OutboxWorker(storage, application.bot, door.owners, lanes.settle)
        scheduler = _jobs(settings, storage, sender, parts.cleaning, errands, services, lanes).scheduler()
        scheduler.start()
        stack.callback(scheduler.shutdown, wait=False)
        stack.push_async_callback(lanes.drain, DRAIN_S)
        stack.callback(quarantine.end)
        listener = _listener(settings)
        await receiver.replay()
        source = _source(settings, application.bot, polling_request, receiver)
        log.info("Ready as @%s", application.bot.username)
        await _invite_owner(door, application.bot.username)
        served = [serve([health_route(storage.answers), *source.routes], listener)] if listener else []
        await _side_by_side(source.run(), register_menu(application.bot), *served)


def _lanes(handlers: Router, stack: AsyncExitStack) -> Lanes:
    stack.push_async_callback(handlers.topics.close)
    lanes = Lanes(handlers)
    handlers.replies.alarm.settle, handlers.aside.put, handlers.aside.waits = lanes.settle, lanes.put, lanes.waits
    handlers.replies.endings.waits = lanes.asks
    return lanes


async def _services(settings: Settings, storage: Storage, stack: AsyncExitStack) -> Services:
    await asyncio.to_thread(load)  # OpenCC's dictionaries would hold the loop
    learning = await LearnedFacts.open(storage, time.time)
    stack.push_async_callback(learning.close)
    return await ask_services(settings, stack, LISTS_S, learning)


async def _check(settings: Settings, services: Services, count_tokens: TokenCounter) -> None:
    """Raises SettingError; a system prompt that seems too long gets the time in which a larger window may be told."""
    try:
        engine.check(settings, services.models, count_tokens)
    except SettingError:
        await services.models.ready()
        engine.check(settings, services.models, count_tokens)


def _watch(quarantine: Quarantine, stack: AsyncExitStack) -> None:
    """Know what the last process died of, and from now on what is in flight, until the stack is closed."""
    quarantine.open()
    stack.callback(quarantine.close)
    loop = asyncio.get_running_loop()
    stack.callback(loop.set_task_factory, loop.get_task_factory())
    loop.set_task_factory(quarantine.make_task)


def _downloads(bot: Bot, quarantine: Quarantine, stack: AsyncExitStack) -> Downloads:
    downloads = Downloads(bot, trust(), quarantine.reading)
    stack.push_async_callback(downloads.close)
    return downloads


async def _invite_owner(door: AccessPolicy, username: str) -> None:
    """Where owners are asked about newcomers there must be one: whoever reads the log can become it."""
    if door.asks and not await door.owners.ids():
        code = await new_link(door.storage, time.time())
        log.warning(
            "This bot has no owner yet. Whoever opens this link first, within 24 hours, is its owner: "
            "https://t.me/%s?start=%s",
            username,
            code,
        )


async def _budget(settings: Settings, storage: Storage, services: Services) -> Budget:
    priced = prices(settings, services.profiles, services.models)
    return await open_budget(settings, storage, priced, make_door(settings, storage).owners.has)


def _jobs(
    settings: Settings,
    storage: Storage,
    sender: Deliverer,
    cleaning: Retention,
    errands: OutboxWorker,
    services: Services,
    lanes: Lanes,
) -> Jobs:
    return Jobs(
        storage=storage,
        keyboards=sender,
        cleaning=cleaning,
        errands=errands,
        responses=ResponseDeletion(storage, keeper(services.models)),
        settle=lanes.settle,
        schedule=settings.compact_schedule,
        zone=settings.zone,
        keep=Keep(settings.inbox_keep_days, settings.reset_keep_days, settings.retention_days),
        clock=time.time,
    )


async def _side_by_side(*works: Coroutine[None, None, None]) -> None:
    """Run until one of them fails, and fail as it did."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(work)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _requests(connections: int) -> HTTPXRequest:
    return HTTPXRequest(connections, httpx_kwargs={"verify": trust()})


def _telegram(settings: Settings, polling_request: HTTPXRequest) -> PTBApplication:
    return (
        ApplicationBuilder()
        .token(settings.telegram_bot_token.get_secret_value())
        .base_url(f"{settings.telegram_api_url}/bot")
        .base_file_url(f"{settings.telegram_api_url}/file/bot")
        .request(_requests(CONNECTIONS))
        .get_updates_request(polling_request)
        .updater(None)
        .job_queue(None)
        .build()
    )


async def _first_contact(application: PTBApplication) -> None:
    """Learn the bot's own name, for as long as it takes; only a token that Telegram does not know ends the start."""
    try:
        await persistently(application.initialize)
    except InvalidToken as exc:
        raise SettingError("TELEGRAM_BOT_TOKEN: Telegram does not know this token; get it from @BotFather") from exc


def _source(settings: Settings, bot: Bot, request: HTTPXRequest, receiver: Receiver) -> UpdateSource:
    if settings.webhook_url is None:
        return Polling(bot, request, receiver)
    return Webhook(bot, settings.webhook_url, settings.secret_of_webhook, receiver)


def _listener(settings: Settings) -> socket.socket | None:
    if settings.listen_port is None:
        return None
    try:
        listener = socket.create_server((settings.host, settings.listen_port))
    except OSError as exc:
        address = f"{settings.host}:{settings.listen_port}"
        raise SettingError(f"PORT: the bot can't listen on {address}: {exc.strerror}") from exc
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does not, and each answer waits 40 ms
    return listener


def _on_signals(end: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _first_or_second, end, [])


def _first_or_second(end: Callable[[], object], seen: list[bool]) -> None:
    """The first signal ends the bot in order, the second at once."""
    if seen:
        os._exit(1)
    seen.append(True)
    end()
