"""What stands in each chat's prompt in place of the turns that have left its window."""

from storage.chats import chat_of
from storage.database import Database, Row, Transaction
from storage.records import Chat, Memory, Window
from storage.transcript import Transcript


class Memories:
    """The table of memories, one for each chat and reset boundary."""

    def __init__(self, database: Database, transcript: Transcript) -> None:
        self._database = database
        self._transcript = transcript

    async def current(self, chat: Chat) -> Memory | None:
        """The chat's memory, if anything has left its window since the last reset."""
        row = await self._database.row(
            "SELECT * FROM memories WHERE chat_id = ? AND reset_turn = ?", (chat.id, chat.reset_turn)
        )
        return _memory(row) if row else None

    async def window(self, chat_id: int, *, without: int | None = None) -> Window:
        """What the chat's prompt is made of; `without` leaves out a reply that is being replaced.

        A compaction may be stored between the two reads. The turns are those behind the memory that was read, so that
        the worst is the window as it was before.
        """
        row = await self._database.row(
            "SELECT chats.*, m.through_turn, m.text, m.tokens, m.made_at FROM chats LEFT JOIN memories AS m"
            " ON m.chat_id = chats.id AND m.reset_turn = chats.reset_turn WHERE chats.id = ?",
            (chat_id,),
        )
        assert row is not None, "a window is asked for a chat that exists"
        memory = _memory(row) if row["text"] is not None else None
        window = Window(chat_of(row), memory, ())
        turns = await self._transcript.since(chat_id, window.through_turn, without=without)
        return Window(window.chat, memory, turns)

    async def put(self, tx: Transaction, chat: Chat, memory: Memory) -> bool:
        """Make this the chat's memory, unless its turns were changed since `chat` was read: then False."""
        rows = await tx.rows("SELECT epoch FROM chats WHERE id = ?", (chat.id,))
        if not rows or rows[0]["epoch"] != chat.epoch:
            return False
        await tx.execute(
            "INSERT INTO memories (chat_id, reset_turn, through_turn, text, tokens, made_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET through_turn = excluded.through_turn,"
            " text = excluded.text, tokens = excluded.tokens, made_at = excluded.made_at",
            (chat.id, chat.reset_turn, memory.through_turn, memory.text, memory.tokens, memory.made_at),
        )
        # The turn that said the time may have left the window: the next one says it again.
        await tx.execute("UPDATE chats SET stamped_at = NULL WHERE id = ?", (chat.id,))
        return True

    async def rewrite(self, tx: Transaction, chat: Chat, text: str, tokens: int) -> None:
        """Change the text of the chat's memory, where it has one."""
        await tx.execute(
            "UPDATE memories SET text = ?, tokens = ? WHERE chat_id = ? AND reset_turn = ?",
            (text, tokens, chat.id, chat.reset_turn),
        )

    async def delete_before(self, tx: Transaction, before: float) -> None:
        """Delete the memories that were made before this time: all that they tell of is older still."""
        await tx.execute("DELETE FROM memories WHERE made_at < ?", (before,))

    async def prune(self, tx: Transaction) -> None:
        """Delete the memories that a reset took away which was purged."""
        await tx.execute(
            "DELETE FROM memories WHERE reset_turn != (SELECT reset_turn FROM chats WHERE id = memories.chat_id)"
            " AND NOT EXISTS (SELECT 1 FROM resets WHERE resets.chat_id = memories.chat_id"
            " AND from_id = memories.reset_turn)",
        )


def _memory(row: Row) -> Memory:
    return Memory(row["through_turn"], row["text"], row["tokens"], row["made_at"])
