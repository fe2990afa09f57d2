"""Delivers updates to the bot's webhook, one after another, each until it is taken."""

import asyncio
import time
from collections.abc import Sequence

import httpx

from sandbox.botapi.changes import Changes
from sandbox.botapi.settings import SettingsStore
from sandbox.botapi.updates import Updates
from sandbox.botapi.wire import Json

BACK_OFF_S = (0.1, 0.2, 0.4, 0.8)
"""Telegram waits longer; nobody wants to here."""

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
TIMEOUT_S = 10.0


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
