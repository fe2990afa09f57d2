"""Settings made by the bot: webhook, update types, and commands."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sandbox.botapi.stored_state import Database
from sandbox.botapi.wire import Json

UNWANTED = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Update types that a bot gets only if it asks for them."""


@dataclass(frozen=True, slots=True)
class BotSettings:
    """How updates are delivered; without a URL they wait for getUpdates."""

    url: str = ""
    secret: str = ""
    allowed: tuple[str, ...] = ()
    max_connections: int = 40

    def wants(self, kind: str) -> bool:
        return kind in self.allowed if self.allowed else kind not in UNWANTED


class SettingsStore:
    """Stores the settings and commands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def current(self) -> BotSettings:
        """The current settings."""
        row = self._database.one("SELECT json FROM settings WHERE name = 'delivery'")
        if row is None:
            return BotSettings()
        found = json.loads(str(row[0]))
        return BotSettings(**{**found, "allowed": tuple(found["allowed"])})

    def change(self, **fields: object) -> None:
        changed = asdict(replace(self.current, **fields))  # type: ignore[arg-type]  # the callers pass fields only
        with self._database.transaction():
            self._database.write("REPLACE INTO settings VALUES ('delivery', ?)", json.dumps(changed))

    def put_commands(self, scope: str, language: str, commands: Sequence[Json]) -> None:
        """Set the commands of a scope; an empty list removes them."""
        with self._database.transaction():
            if commands:
                self._database.write("REPLACE INTO commands VALUES (?, ?, ?)", scope, language, json.dumps(commands))
            else:
                self._database.write("DELETE FROM commands WHERE scope = ? AND language = ?", scope, language)

    def commands(self, scope: str, language: str) -> Sequence[Json]:
        row = self._database.one("SELECT json FROM commands WHERE scope = ? AND language = ?", scope, language)
        found: Sequence[Json] = json.loads(str(row[0])) if row else []
        return found
