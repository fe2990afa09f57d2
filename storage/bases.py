"""What each answer was based on. It is stored and deleted with the answer; forgotten turns are removed from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage.database import Database, Row, Transaction
from storage.records import Chat, Usage
from storage.sent_prompts import SentPrompt, SentPrompts
from storage.transcript import COMPLETE, SENT, SETTLED

NOTES_LOOKED_AT = 20
"""How many versions of the notes are searched for the one in the prompt; it is nearly always the newest."""
MOST_COUNTED = 100_000
"""The most turns of a conversation that are counted."""


@dataclass(frozen=True, slots=True)
class FoundTurn:
    """An older turn that was found for an answer, with its ranks from 1 (None if it has none)."""

    turn_id: int
    shown: bool
    """Whether the model was shown it, or it was a near miss."""
    looked_up: bool = False
    """Whether the model itself searched for it."""
    overall_rank: int | None = None
    """None if it is the neighbour of a hit, or was edited after the notes were written."""
    words_rank: int | None = None
    meaning_rank: int | None = None
    searched: bool = True
    """Whether a search found it; otherwise it was only shown because it was edited."""
    edited: bool = False
    """Whether its new text was shown because the notes had the old one."""
    part: tuple[int, int] | None = None
    """The part that was shown of its text without the timestamp, in characters; None: all of it."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer was based on, and what it cost."""

    question_id: int | None
    """The last message it answers."""
    first_turn: int | None
    """The first turn of the window."""
    turns: int
    """The number of turns in the window."""
    notes_tokens: int
    model: str
    usage: Usage
    """The usage of all its requests. Only input, cached and output tokens are stored, and how much is estimated."""
    price: float | None = None
    currency: str | None = None
    found: tuple[FoundTurn, ...] = ()
    """The shown turns, best first, then the near misses."""
    notes_id: int | None = None
    """The version of the notes."""
    sent: SentPrompt | None = None
    """What else it takes to build its own request again; None in answers of older versions of Keepsake."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a conversation was before an answer, and since when it was in the window (Unix seconds)."""

    turns: int
    """At most MOST_COUNTED + 1, which means more."""
    since: float | None


class Bases:
    """The tables of what answers were based on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sent_prompts = SentPrompts(database)

    async def put(self, tx: Transaction, chat: Chat, reply_id: int, basis: Basis, notes: str) -> None:
        """Store the basis with its answer; `notes` is the text in the prompt, which identifies the version.

        Turns forgotten while the answer was being written are left out.
        """
        usage = basis.usage
        await tx.execute(
            "INSERT INTO bases (reply_id, question_id, first_turn, turns, notes_id, notes_tokens, model, input_tokens,"
            " cached_tokens, output_tokens, estimated, price, currency) SELECT id, ?3, ?4, ?5,"
            " (SELECT id FROM (SELECT id, text FROM note_versions WHERE chat_id = ?2 AND reset_turn = ?6"
            " ORDER BY id DESC LIMIT ?7) AS newest WHERE ?8 != '' AND text = ?8 LIMIT 1),"
            " ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16 FROM turns WHERE id = ?1 AND chat_id = ?2",
            (
                *(reply_id, chat.id, basis.question_id, basis.first_turn, basis.turns),
                *(chat.reset_turn, NOTES_LOOKED_AT, notes, basis.notes_tokens, basis.model),
                *(usage.input, usage.cached, usage.output, usage.estimated, basis.price, basis.currency),
            ),
        )
        found = [
            (
                *(turn.turn_id, turn.shown, turn.looked_up, turn.overall_rank, turn.words_rank, turn.meaning_rank),
                *(turn.searched, turn.edited, *(turn.part or (None, None))),
            )
            for turn in basis.found
        ]
        await tx.execute_many(
            "INSERT INTO basis_turns (reply_id, turn_id, shown, looked_up, overall_rank, words_rank, meaning_rank,"
            " searched, edited, part_start, part_end)"
            " SELECT ?1, id, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 FROM turns WHERE id = ?3 AND chat_id = ?2"
            " AND EXISTS (SELECT 1 FROM bases WHERE reply_id = ?1) ON CONFLICT (reply_id, turn_id) DO NOTHING",
            [(reply_id, chat.id, *turn) for turn in found],
        )
        if basis.sent is not None:
            await self._sent_prompts.put(tx, chat, reply_id, basis.sent, notes=bool(notes))

    async def of(self, chat: Chat, reply_id: int) -> Basis | None:
        """What an answer of a chat was based on; None if that wasn't recorded, or was reset or forgotten."""
        row = await self._database.row(
            "SELECT bases.* FROM bases JOIN turns ON turns.id = reply_id WHERE reply_id = ? AND chat_id = ?"
            " AND reply_id > ?",
            (reply_id, chat.id, chat.reset_turn),
        )
        if row is None:
            return None
        found = await self._database.rows(
            "SELECT basis_turns.* FROM basis_turns JOIN turns ON turns.id = turn_id WHERE reply_id = ? AND chat_id = ?"
            f" AND turn_id > ? AND {SETTLED}"
            " ORDER BY shown DESC, overall_rank IS NULL, overall_rank, turn_id",
            (reply_id, chat.id, chat.reset_turn),
        )
        return _basis(row, found, await self._sent_prompts.of(reply_id))

    async def last_answer(self, chat: Chat) -> int | None:
        """The chat's newest answer since the last reset."""
        row = await self._database.row(
            f"SELECT max(id) AS id FROM (SELECT max(id) AS id FROM turns WHERE chat_id = ?1 AND {SENT} AND id > ?2"
            f" UNION ALL SELECT max(id) FROM turns WHERE chat_id = ?1 AND {COMPLETE} AND id > ?2) AS newest",
            (chat.id, chat.reset_turn),
        )
        return row["id"] if row else None

    async def extent(self, chat: Chat, reply_id: int, first_turn: int | None) -> Extent:
        """The extent of the conversation, as it is now, before an answer whose window began at `first_turn`."""
        said = await self._database.row(
            "SELECT count(*) AS turns FROM (SELECT 1 FROM turns WHERE chat_id = ?"
            f" AND {SETTLED} AND id > ? AND id < ? LIMIT ?) AS before",
            (chat.id, chat.reset_turn, reply_id, MOST_COUNTED + 1),
        )
        first = await self._database.row(
            "SELECT coalesce(said_at, created_at) AS at FROM turns WHERE chat_id = ? AND id >= ? AND id < ?"
            f" AND '' || {SETTLED} ORDER BY id LIMIT 1",  # otherwise SQLite would use the index of states
            (chat.id, reply_id if first_turn is None else first_turn, reply_id),
        )
        return Extent(said["turns"] if said else 0, first["at"] if first else None)


def _basis(row: Row, found: Sequence[Row], sent: SentPrompt | None) -> Basis:
    return Basis(
        question_id=row["question_id"],
        first_turn=row["first_turn"],
        turns=row["turns"],
        notes_tokens=row["notes_tokens"],
        model=row["model"],
        usage=Usage(row["input_tokens"], row["cached_tokens"], row["output_tokens"], estimated=row["estimated"]),
        price=row["price"],
        currency=row["currency"],
        found=tuple(
            FoundTurn(
                turn_id=turn["turn_id"],
                shown=bool(turn["shown"]),
                looked_up=bool(turn["looked_up"]),
                overall_rank=turn["overall_rank"],
                words_rank=turn["words_rank"],
                meaning_rank=turn["meaning_rank"],
                searched=bool(turn["searched"]),
                edited=bool(turn["edited"]),
                part=None if turn["part_start"] is None else (turn["part_start"], turn["part_end"]),
            )
            for turn in found
        ),
        notes_id=row["notes_id"],
        sent=sent,
    )
