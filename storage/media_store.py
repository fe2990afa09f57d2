"""Pictures and sounds of turns: identical bytes are stored once, their descriptions with each turn."""

import hashlib
from collections.abc import Collection, Sequence

from storage.database import Database, Transaction
from storage.records import MediaKind, Medium, NewMedium
from storage.sql import KEY_SHARE, in_list, in_texts, listed

_PUT = "INSERT INTO media (hash, bytes) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING"
_HOLD = f"SELECT 1 FROM media WHERE hash = ? {KEY_SHARE}"


def content_hash(data: bytes) -> str:
    """The SHA-256 hash that identifies these bytes."""
    return hashlib.sha256(data).hexdigest()


class Media:
    """The tables of media; bytes are deleted with the last turn that has them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, tx: Transaction, turn_id: int, media: Sequence[NewMedium]) -> None:
        """Replace the media of a turn."""
        await tx.execute("DELETE FROM turn_media WHERE turn_id = ?", (turn_id,))
        await self.add(tx, turn_id, media)

    async def add(self, tx: Transaction, turn_id: int, media: Sequence[NewMedium]) -> None:
        """Add media to a turn that has none."""
        for position, medium in enumerate(media):
            name = content_hash(medium.data)
            stored = False
            while not stored:  # the last turn with the same bytes may be deleted at the same time
                stored = await tx.execute(_PUT, (name, medium.data)) > 0 or bool(await tx.rows(_HOLD, (name,)))
            await tx.execute(
                "INSERT INTO turn_media (turn_id, position, hash, kind, format, tokens) VALUES (?, ?, ?, ?, ?, ?)",
                (turn_id, position, name, medium.kind, medium.format, medium.tokens),
            )

    async def of_chat(
        self, chat_id: int, after_turn: int, tx: Transaction | None = None, *, through_turn: int = 2**63 - 1
    ) -> dict[int, tuple[Medium, ...]]:
        """The media of a chat's turns after a given one, up to another, by turn id."""
        rows = await (tx or self._database).rows(
            "SELECT turn_media.*, length(bytes) AS size FROM turns"
            " JOIN turn_media ON turn_id = turns.id LEFT JOIN media USING (hash)"
            " WHERE chat_id = ? AND turns.id > ? AND turns.id <= ? ORDER BY turn_id, position",
            (chat_id, after_turn, through_turn),
        )
        found: dict[int, tuple[Medium, ...]] = {}
        for row in rows:
            medium = Medium(
                *(MediaKind(row["kind"]), row["hash"], row["format"], row["tokens"]),
                refused=bool(row["refused"]),
                size=row["size"] or 0,
            )
            found[row["turn_id"]] = (*found.get(row["turn_id"], ()), medium)
        return found

    async def contents(self, hashes: Collection[str]) -> dict[str, bytes]:
        """The bytes with these hashes."""
        rows = await self._database.rows(f"SELECT hash, bytes FROM media WHERE hash {in_texts()}", (listed(hashes),))
        return {row["hash"]: row["bytes"] for row in rows}

    async def described(self, name: str) -> tuple[str, bytes] | None:
        """The format of the medium with this hash, as a MIME type, and its bytes."""
        row = await self._database.row(
            "SELECT kind, format, bytes FROM media JOIN turn_media USING (hash) WHERE hash = ? LIMIT 1", (name,)
        )
        if row is None:
            return None
        return (row["format"] if row["kind"] == MediaKind.IMAGE else f"audio/{row['format']}"), row["bytes"]

    async def of_turn(self, turn_id: int, tx: Transaction | None = None) -> list[str]:
        """The hashes of a turn's media, in order."""
        rows = await (tx or self._database).rows(
            "SELECT hash FROM turn_media WHERE turn_id = ? ORDER BY position", (turn_id,)
        )
        return [row["hash"] for row in rows]

    async def refuse(self, tx: Transaction, turn_ids: Collection[int], *, refused: bool = True) -> None:
        """Mark the media of these turns as refused by the model, so that they aren't sent again, or undo that."""
        await tx.execute(
            f"UPDATE turn_media SET refused = ? WHERE turn_id {in_list()}",
            (int(refused), listed(turn_ids)),
        )
