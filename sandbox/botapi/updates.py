"""Updates for the bot: each is kept until confirmed, and delivered by polling or by webhook.

Also here: notification of waiting tests about any change, and callback queries that the bot has yet to answer.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import httpx

from sandbox.botapi.stored_state import Database, SettingsStore
from sandbox.botapi.wire import Json, conflict

BACK_OFF_S = (0.1, 0.2, 0.4, 0.8)
"""Telegram waits longer, but tests shouldn't."""
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
TIMEOUT_S = 10.0
LIFE_S = 60.0
"""Telegram doesn't document this; a minute is longer than any app shows the press."""
MOST_PRESSES = 1000
FRESH_S = 15.0
"""How long after a press or an ephemeral message its sender may be shown ephemeral messages."""


class Changes:
    """Wakes everyone who waits for a change."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def note(self) -> None:
        """Report a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, happened: Callable[[], bool], timeout: float | None) -> None:
        """Wait until a condition is true, checking at every change; raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not happened():
                await self._changed.wait()


class Updates:
    """A queue with increasing numbers, also across restarts on the same file."""

    def __init__(self, database: Database, settings: SettingsStore, changes: Changes) -> None:
        self._database = database
        self._settings = settings
        self._changes = changes
        self.polls = 0
        """The number of polls so far; only the last one may still be open."""
        self._open = True

    def open(self) -> None:
        """Let polls wait."""
        self._open = True

    def close(self) -> None:
        """End waiting polls."""
        self._open = False
        self._changes.note()

    def push(self, kind: str, payload: object, *, wanted: bool = False) -> None:
        """Queue an update if the bot wants its type."""
        if wanted or self._settings.current.wants(kind):
            with self._database.transaction():
                self._database.write("INSERT INTO updates (kind, json) VALUES (?, ?)", kind, json.dumps(payload))
        self._changes.note()

    def pending(self, limit: int = 100) -> Sequence[Json]:
        """The oldest updates."""
        rows = self._database.all("SELECT update_id, kind, json FROM updates ORDER BY update_id LIMIT ?", limit)
        return [{"update_id": number, str(kind): json.loads(str(payload))} for number, kind, payload in rows]

    def count(self) -> int:
        """The number of pending updates."""
        row = self._database.one("SELECT count(*) FROM updates")
        assert row is not None
        return cast("int", row[0])

    def confirm(self, offset: int) -> None:
        """Drop the updates below the offset; a negative one keeps that many at the end."""
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
        """Drop all pending updates."""
        with self._database.transaction():
            self._database.write("DELETE FROM updates")
        self._changes.note()

    def check_pollable(self) -> None:
        """Refuse getUpdates while a webhook is set."""
        if self._settings.current.url:
            raise conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            )

    async def poll(self, limit: int, timeout: float) -> Sequence[Json]:
        """Wait for updates; a second poll ends the first, and so does a webhook."""
        self.polls += 1
        self._changes.note()
        mine = self.polls
        try:
            await self._changes.wait(lambda: self._ends(mine), timeout)
        except TimeoutError:
            return []
        if self.polls != mine:
            raise conflict("terminated by other getUpdates request; make sure that only one bot instance is running")
        if self._settings.current.url:
            raise conflict("terminated by setWebhook request")
        return self.pending(limit)

    def _ends(self, mine: int) -> bool:
        webhook = self._settings.current.url
        return not self._open or self.polls != mine or bool(webhook) or bool(self.pending(1))


class Webhook:
    """Delivers updates to the webhook one by one, each until it is accepted; idle while none is set."""

    def __init__(self, updates: Updates, settings: SettingsStore, changes: Changes) -> None:
        self.last_error: tuple[int, str] | None = None
        self._updates = updates
        self._settings = settings
        self._changes = changes

    async def deliver(self) -> None:
        """Deliver, forever."""
        failures = 0
        await self._changes.wait(lambda: bool(self._next()), timeout=None)  # creating a client takes 30 ms
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


@dataclass(frozen=True, slots=True)
class Press:
    """Who has pressed which button."""

    user_id: int
    chat_id: int
    message_id: int
    button: int


class Queries:
    """Callback queries, each answered once within its lifetime."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._presses: dict[int, Press] = {}
        """The last ones; after a restart, all are soon too old."""

    def ask(self, press: Press) -> int:
        """Start a query; returns its id."""
        with self._database.transaction():
            number = self._database.write("INSERT INTO queries (asked_at) VALUES (?)", self._clock())
        self._presses[number] = press
        if len(self._presses) > MOST_PRESSES:
            del self._presses[next(iter(self._presses))]
        return number

    def press(self, number: int) -> Press | None:
        """What a query is about; None if that was long ago."""
        return self._presses.get(number)

    def is_fresh(self, number: object) -> bool:
        """Whether a button was pressed just now."""
        if not isinstance(number, str) or not number.isdecimal():
            return False
        since = self._clock() - FRESH_S
        return (
            self._database.one("SELECT 1 FROM queries WHERE id = ? AND asked_at >= ?", int(number), since) is not None
        )

    def answer(self, number: int) -> bool:
        """Record the answer; False if the query has expired or was answered before."""
        born = self._clock() - LIFE_S
        waiting = self._database.one(
            "SELECT 1 FROM queries WHERE id = ? AND asked_at > ? AND NOT answered", number, born
        )
        with self._database.transaction():
            self._database.write("UPDATE queries SET answered = 1 WHERE id = ?", number)
        return waiting is not None
