"""Startup and shutdown. The parts, which ``wiring`` builds, are opened in order and closed in reverse.

On shutdown the bot stops receiving updates, lets the answers in progress finish, cancels the rest (which stays pending
and is resumed at the next start), and closes everything.
"""

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from urllib.parse import urlsplit

from telegram.error import InvalidToken

from bot.access.policy import new_link
from bot.concurrency import freeze_loaded_objects, run_together, shorten_switch_interval, tune_malloc
from bot.errors import SettingError
from bot.handlers.membership import register_menu
from bot.health import Health
from bot.http import serve
from bot.metrics import measure_loop
from bot.outbound.reach import TelegramReach
from bot.scheduler import Schedule
from bot.settings import Settings
from bot.updates.guarded_compactor import GuardedCompactor
from bot.updates.guarded_reader import GuardedHistoryReader
from bot.updates.lanes import STUCK_S, Lanes
from bot.updates.polling import Polling, UpdateSource, until_reached
from bot.updates.quarantine import Quarantine
from bot.updates.receiver import Receiver
from bot.updates.watchdog import HoldMonitor
from bot.updates.webhook import Webhook
from bot.wiring.conversation import WorkGuards, build_engine, check_system_prompt
from bot.wiring.foundation import Foundation, build_foundation
from bot.wiring.persistence import open_storage
from bot.wiring.servers import any_reached
from bot.wiring.sharing import Parts, join_database
from bot.wiring.telegram import build_jobs, build_router
from bot.wiring.traffic import Connection, PTBApplication, connect, open_traffic
from storage import Storage

LISTS_S = 0.5
"""How long startup waits for the model servers' lists of models, in seconds; most answer sooner."""

SILENCES = 5
"""How often in a row MODEL_TIMEOUT may pass in one lane: retries, and other requests than the answer."""

log = logging.getLogger(__name__)


async def run(settings: Settings) -> None:
    """Run the bot until SIGTERM or SIGINT. Raises StartError when it can't start."""
    tune_malloc()
    shorten_switch_interval()
    freeze_loaded_objects()
    on_server = settings.uses_postgres
    quarantine = (
        Quarantine.for_server(settings.database_name) if on_server else Quarantine.for_database(settings.database_path)
    )
    main = asyncio.create_task(live(settings, quarantine), name="bot")

    def end() -> None:
        quarantine.end()
        main.cancel()

    _on_signals(end)
    try:
        await main
    except asyncio.CancelledError:
        log.info("Ended")


async def live(settings: Settings, quarantine: Quarantine) -> None:
    """Run the bot until cancelled, then shut down in order. Raises StartError when it can't start."""
    os.environ.setdefault("PTB_TIMEDELTA", "true")  # otherwise python-telegram-bot warns at every flood limit
    async with AsyncExitStack() as stack:
        token = settings.metrics_token.get_secret_value() if settings.metrics_token else None
        health = Health(token, proxied=settings.webhook_url is not None)
        reach = TelegramReach()
        sharing = await join_database(settings, stack, quarantine.process, reach)
        serving = _serve(settings, health, stack)
        storage = await open_storage(settings, stack)
        health.watch_database(storage.answers, remote=settings.uses_postgres)
        await _watch(quarantine, storage, stack)
        base = await build_foundation(settings, storage, stack, LISTS_S)
        health.watch_model(partial(any_reached, base.servers))
        await check_system_prompt(base)
        connection = connect(settings, reach)
        application, bot = connection.application, connection.application.bot
        stack.push_async_callback(application.shutdown)
        await _first_contact(application)
        guarded = partial(GuardedCompactor, quarantine=quarantine, chats=storage.chats)
        guards = WorkGuards(guarded, GuardedHistoryReader(quarantine, storage.chats))
        engine = build_engine(base, (bot.first_name, bot.username), guards)
        stack.push_async_callback(engine.maintenance.close)
        stack.push_async_callback(engine.eraser.close)
        engine.eraser.begin()
        traffic = open_traffic(settings, storage, bot, quarantine, sharing.chats)
        stack.push_async_callback(traffic.downloads.close)
        lanes = Lanes(max(STUCK_S, SILENCES * settings.model_timeout), sharing.chats)
        router = build_router(base, engine, bot, traffic, lanes)
        stack.push_async_callback(router.close)
        lanes.start(router)
        health.watch_lanes(lanes.are_moving)
        receiver = Receiver(
            *(storage.database, storage.inbox, storage.chats, lanes, quarantine, bot, time.time), sharing.others
        )
        schedule = Schedule(build_jobs(base, engine, bot, traffic, lanes).scheduler())
        stack.callback(schedule.close)
        for one in serving:
            stack.push_async_callback(_end, one)
        stack.push_async_callback(sharing.drain)
        stack.callback(quarantine.end)
        _monitor_loop(stack)
        await sharing.begin(
            Parts(storage, engine, traffic, lanes, receiver, schedule, reload=base.budget.load, ask=bot.get_me)
        )
        source = _source(settings, connection, receiver)
        health.watch_telegram(partial(sharing.receives, source))
        health.watch_sharing(sharing.ready)
        health.add_routes(source.routes)
        _log_start(settings, bot.username)
        await _invite_owner(base, bot.username)
        receiving = sharing.run(source, polls=settings.webhook_url is None)
        await run_together(receiving, register_menu(bot), measure_loop(), *map(_until_ended, serving))


async def _watch(quarantine: Quarantine, storage: Storage, stack: AsyncExitStack) -> None:
    """Read what was in flight when the last process died, and track what is in flight until the stack is closed."""
    await quarantine.connect(storage.database)
    quarantine.open()
    stack.push_async_callback(quarantine.written)
    stack.callback(quarantine.close)
    loop = asyncio.get_running_loop()
    stack.callback(loop.set_task_factory, loop.get_task_factory())
    loop.set_task_factory(quarantine.make_task)


def _monitor_loop(stack: AsyncExitStack) -> None:
    """From now on, log what holds the event loop; the start itself may."""
    monitor = HoldMonitor()
    monitor.start()
    stack.callback(monitor.stop)


def _log_start(settings: Settings, username: str) -> None:
    fields = {
        "model": settings.openai_model,
        "server": urlsplit(settings.model_url)._replace(query="").geturl(),
        "access": settings.access,
        "database": settings.database_name,
        "updates": "webhook" if settings.webhook_url else "polling",
    }
    named = ", ".join(f"{name} {value}" for name, value in fields.items())
    log.info("Ready as @%s: %s", username, named, extra={"fields": fields})


async def _invite_owner(base: Foundation, username: str) -> None:
    """Log a one-time link if newcomers need an owner's approval and there is none; operators read the log."""
    if base.rules.asks and not await base.owners.ids():
        ends_others = not base.settings.uses_postgres  # there, each of several processes logs a link
        code = await new_link(base.storage.database, base.storage.access, time.time(), ends_others=ends_others)
        log.warning(
            "This bot has no owner yet. The first person to open this link within 24 hours becomes its owner: "
            "https://t.me/%s?start=%s",
            username,
            code,
        )


def _serve(settings: Settings, health: Health, stack: AsyncExitStack) -> list[asyncio.Task[None]]:
    """Start the HTTP server, if there is a port for it; it ends with the stack at the latest."""
    listener = _listener(settings)
    if listener is None:
        return []
    serving = asyncio.create_task(serve(health.app, listener), name="HTTP server")
    stack.push_async_callback(_end, serving)
    return [serving]


async def _end(serving: asyncio.Task[None]) -> None:
    serving.cancel()
    await asyncio.wait([serving])


async def _until_ended(serving: asyncio.Task[None]) -> None:
    """Wait for the server, which goes on if this is cancelled: during the shutdown it still stores updates."""
    await asyncio.shield(serving)


async def _first_contact(application: PTBApplication) -> None:
    """Ask Telegram for the bot's name until it answers; only a token that Telegram rejects aborts the startup."""
    try:
        await until_reached(application.initialize)
    except InvalidToken as exc:
        raise SettingError("TELEGRAM_BOT_TOKEN: Telegram does not know this token; get it from @BotFather") from exc


def _source(settings: Settings, connection: Connection, receiver: Receiver) -> UpdateSource:
    bot = connection.application.bot
    if settings.webhook_url is None:
        return Polling(bot, connection.polling, receiver)
    return Webhook(bot, settings.webhook_url, settings.secret_of_webhook, receiver)


def _listener(settings: Settings) -> socket.socket | None:
    if settings.listen_port is None:
        return None
    try:
        listener = socket.create_server((settings.host, settings.listen_port))
    except OSError as exc:
        address = f"{settings.host}:{settings.listen_port}"
        raise SettingError(f"PORT: the bot can't listen on {address}: {exc.strerror}") from exc
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio doesn't, which delays each answer by 40 ms
    return listener


def _on_signals(end: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _first_or_second, end, [])


def _first_or_second(end: Callable[[], object], seen: list[bool]) -> None:
    """Shut down in order on the first signal, exit at once on the second."""
    if seen:
        os._exit(1)
    seen.append(True)
    end()
