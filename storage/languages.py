"""Which languages a chat speaks: what its words speak for is counted as they are indexed."""

import json
from collections.abc import Mapping

from storage.database import Database, Transaction


class Languages:
    """The table of chats and languages (ISO 639-1)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, chat_id: int, tx: Transaction | None = None) -> tuple[str, ...]:
        """The languages of a chat, the most used first."""
        sql = "SELECT language FROM chat_languages WHERE chat_id = ? ORDER BY words DESC, language"
        rows = await (tx or self._database).rows(sql, (chat_id,))
        return tuple(row["language"] for row in rows)

    async def heard(self, tx: Transaction, chat_id: int, languages: Mapping[str, int]) -> None:
        """So many more words of a chat speak for these languages."""
        await tx.execute(
            "INSERT INTO chat_languages (chat_id, language, words) SELECT ?, key, value FROM json_each(?) WHERE true"
            " ON CONFLICT (chat_id, language) DO UPDATE SET words = words + excluded.words",
            (chat_id, json.dumps(languages)),
        )
