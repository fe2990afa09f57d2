"""One bell for everything that happens; who waits for something looks again when it rings.

The updates that wait for the bot: each is kept until the bot has confirmed it.

Delivers updates to the bot's webhook, one after another, each until it is taken.

The presses of buttons that the bot still has to answer.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import cast

import httpx

from sandbox.botapi.bot_settings import SettingsStore
from sandbox.botapi.stored_state import Database
from sandbox.botapi.wire import Json, conflict

BACK_OFF_S = (0.1, 0.2, 0.4, 0.8)
"""Telegram waits longer; nobody wants to here."""
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
TIMEOUT_S = 10.0
LIFE_S = 60.0
"""Telegram does not say how long it waits; a minute is more than any app shows the press."""
FRESH_S = 15.0
"""So long after a press, or an ephemeral message, its sender can be shown what nobody else sees."""


class Changes:
    """Wakes all who wait."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def note(self) -> None:
        """Something changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, happened: Callable[[], bool], timeout: float | None) -> None:
        """Wait until it happened; raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not happened():
                await self._changed.wait()


class Updates:
    """A queue whose numbers only rise, also over a restart on the same file."""

    def __init__(self, database: Database, settings: SettingsStore, changes: Changes) -> None:
        self._database = database
        self._settings = settings
        self._changes = changes
        self._poll = 0
        self._open = True

    def open(self) -> None:
        """Let polls wait."""
        self._open = True

    def close(self) -> None:
        """End the polls that wait."""
        self._open = False
        self._changes.note()

    def push(self, kind: str, payload: object, *, wanted: bool = False) -> None:
        """Queue an update, if the bot wants such."""
        if wanted or self._settings.current.wants(kind):
            with self._database.transaction():
                self._database.write("INSERT INTO updates (kind, json) VALUES (?, ?)", kind, json.dumps(payload))
        self._changes.note()

    def pending(self, limit: int = 100) -> Sequence[Json]:
        """The oldest updates."""
        rows = self._database.all("SELECT update_id, kind, json FROM updates ORDER BY update_id LIMIT ?", limit)
        return [{"update_id": number, str(kind): json.loads(str(payload))} for number, kind, payload in rows]

    def count(self) -> int:
        """How many updates wait."""
        row = self._database.one("SELECT count(*) FROM updates")
        assert row is not None
        return cast("int", row[0])

    def confirm(self, offset: int) -> None:
        """Forget the updates below the offset; a negative one keeps so many from the end."""
        with self._database.transaction():
            if offset < 0:
                self._database.write(
                    "DELETE FROM updates WHERE update_id NOT IN "
                    "(SELECT update_id FROM updates ORDER BY update_id DESC LIMIT ?)",
                    -offset,
                )
            else:
                self._database.write("DELETE FROM updates WHERE update_id < ?", offset)
        self._changes.note()

    def drop(self) -> None:
        """Forget all that waits."""
        with self._database.transaction():
            self._database.write("DELETE FROM updates")
        self._changes.note()

    def check_pollable(self) -> None:
        """Refuse getUpdates while there is a webhook."""
        if self._settings.current.url:
            raise conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            )

    async def poll(self, limit: int, timeout: float) -> Sequence[Json]:
        """Wait for updates; a second poll ends the first, as a webhook does."""
        self._poll += 1
        self._changes.note()
        mine = self._poll
        try:
            await self._changes.wait(lambda: self._ends(mine), timeout)
        except TimeoutError:
            return []
        if self._poll != mine:
            raise conflict("terminated by other getUpdates request; make sure that only one bot instance is running")
        if self._settings.current.url:
            raise conflict("terminated by setWebhook request")
        return self.pending(limit)

    def _ends(self, mine: int) -> bool:
        webhook = self._settings.current.url
        return not self._open or self._poll != mine or bool(webhook) or bool(self.pending(1))


class Webhook:
    """Runs while the server does; sleeps while no webhook is set."""

    def __init__(self, updates: Updates, settings: SettingsStore, changes: Changes) -> None:
        self.last_error: tuple[int, str] | None = None
        self._updates = updates
        self._settings = settings
        self._changes = changes

    async def deliver(self) -> None:
        """Deliver, for ever."""
        failures = 0
        await self._changes.wait(lambda: bool(self._next()), timeout=None)  # a client takes 30 ms to make
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            while True:
                await self._changes.wait(lambda: bool(self._next()), timeout=None)
                if await self._post(client, self._next()):
                    failures = 0
                else:
                    await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
                    failures += 1

    def _next(self) -> Sequence[Json]:
        return self._updates.pending(1) if self._settings.current.url else ()

    async def _post(self, client: httpx.AsyncClient, updates: Sequence[Json]) -> bool:
        settings = self._settings.current
        headers = {SECRET_HEADER: settings.secret} if settings.secret else {}
        [update] = updates
        try:
            response = await client.post(settings.url, json=update, headers=headers)
        except httpx.HTTPError as exc:
            return self._failed(str(exc) or type(exc).__name__)
        if not response.is_success:
            return self._failed(f"Wrong response from the webhook: {response.status_code} {response.reason_phrase}")
        number = update["update_id"]
        assert isinstance(number, int)
        self._updates.confirm(number + 1)
        return True

    def _failed(self, reason: str) -> bool:
        self.last_error = (int(time.time()), reason)
        return False


class Queries:
    """Each query is answered once, while it lives."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def ask(self) -> int:
        """Begin a query; returns its id."""
        with self._database.transaction():
            return self._database.write("INSERT INTO queries (asked_at) VALUES (?)", self._clock())

    def is_fresh(self, number: object) -> bool:
        """Whether somebody pressed just now."""
        if not isinstance(number, str) or not number.isdecimal():
            return False
        since = self._clock() - FRESH_S
        return (
            self._database.one("SELECT 1 FROM queries WHERE id = ? AND asked_at >= ?", int(number), since) is not None
        )

    def answer(self, number: int) -> bool:
        """Note the answer; False when nobody waits for it (any more)."""
        born = self._clock() - LIFE_S
        waiting = self._database.one(
            "SELECT 1 FROM queries WHERE id = ? AND asked_at > ? AND NOT answered", number, born
        )
        with self._database.transaction():
            self._database.write("UPDATE queries SET answered = 1 WHERE id = ?", number)
        return waiting is not None
