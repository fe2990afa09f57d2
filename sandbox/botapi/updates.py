"""The updates that wait for the bot: each is kept until the bot has confirmed it."""

import json
from collections.abc import Sequence
from typing import cast

from sandbox.botapi.changes import Changes
from sandbox.botapi.database import Database
from sandbox.botapi.errors import conflict
from sandbox.botapi.settings import SettingsStore
from sandbox.botapi.wire import Json


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
