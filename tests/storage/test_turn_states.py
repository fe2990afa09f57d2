"""States of turns are written in one file, and are those of the schema."""

import re
from pathlib import Path

import pytest

from storage import Storage, StorageError
from storage.records import Chat
from storage.transcript import KEPT_STATES, TurnState

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "storage" / "transcript.py"
LITERAL = re.compile(rf"'({'|'.join(TurnState)})'")


def literals(text: str) -> list[str]:
    """The states that are spelled out in SQL."""
    return LITERAL.findall(text)


def test_only_one_file_spells_states() -> None:
    sources = [path for folder in ("storage", "bot", "sandbox") for path in (ROOT / folder).rglob("*.py")]
    assert {path.name: literals(path.read_text("utf-8")) for path in sources if path != FILE} == {
        path.name: [] for path in sources if path != FILE
    }


def test_a_spelled_state_is_found() -> None:
    assert literals("\"SELECT 1 FROM turns WHERE state IN ('sent', 'complete')\"") == ["sent", "complete"]


async def test_states_are_those_of_the_schema(storage: Storage, chat: Chat) -> None:
    insert = "INSERT INTO turns (chat_id, role, state, content, created_at) VALUES (?, 'user', ?, '', 0)"
    async with storage.transaction() as tx:
        for state in TurnState:
            await tx.execute(insert, (chat.id, state))
    with pytest.raises(StorageError, match=r"(?i)check"):
        async with storage.transaction() as tx:
            await tx.execute(insert, (chat.id, "gone"))


def test_what_is_kept_is_whole() -> None:
    assert set(TurnState) - set(KEPT_STATES) == {TurnState.STREAMING, TurnState.REPLACED}
