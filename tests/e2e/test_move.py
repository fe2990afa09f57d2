"""A bot moves with its whole database, from SQLite to PostgreSQL and back."""

import asyncio
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.model import HoldStream, Say
from storage import Storage
from tests.conftest import ON_POSTGRES
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.programs import whole
from tests.e2e.test_memory import say
from tests.media.files import picture
from tests.storage.every_table import fill

if TYPE_CHECKING:
    from tests.postgres import Databases


@pytest.fixture
async def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Where to move to: a PostgreSQL database without tables, or without a server another file."""
    async with AsyncExitStack() as stack:
        if ON_POSTGRES:
            databases: Databases = request.getfixturevalue("postgres")
            yield await stack.enter_async_context(databases.new(schema=False))
        else:
            yield f"sqlite:///{tmp_path}/elsewhere.db"


async def moved(stage: Stage, old: str, new: str) -> str:
    """Stop the bot, move its database, and start it there; returns what the command wrote."""
    await stage.end()
    written = await import_all(stage, old, new)
    await stage.start(DATABASE_URL=new)
    return written


async def import_all(stage: Stage, old: str, new: str) -> str:
    ran = await stage.shell("import", old, DATABASE_URL=new)
    assert (ran.code, ran.complained) == (0, "")
    return ran.written


async def test_bot_remembers_all_after_move_and_back(process: Stage, elsewhere: str) -> None:
    stage, old, back = process, f"sqlite:///{process.folder}/old.db", f"sqlite:///{process.folder}/back.db"
    stage.model.answer_with(lambda _: Say("I see."))
    await stage.start(DATABASE_URL=old)
    await stage.ann.photo(stage.home, picture(), "This is Rosa, my granite.")
    await stage.replies(1)
    await say(stage, "/summary")
    await say(stage, "/settings")
    await say(stage, "/reset")
    reset = stage.home.replies[-1]
    assert await say(stage, "/search granite") == "I can't find anything like that in this chat."

    written = await moved(stage, old, elsewhere)
    assert "turns" in written
    assert "media                     1" in written
    await stage.ann.press(reset, "Undo")
    await stage.home.wait(lambda chat: chat.message(reset.id).text.startswith("Undone"), PATIENCE_S)
    assert "Rosa" in await say(stage, "/search granite")
    await say(stage, "What is it called?")
    assert b"image_url" in stage.model.requests[-1].body
    await say(stage, "And a slate called Ben.")

    await moved(stage, elsewhere, back)
    assert "Rosa" in await say(stage, "/search granite")
    assert "Ben" in await say(stage, "/search slate")
    await stage.end()


async def test_unanswered_message_is_answered_after_move(process: Stage, elsewhere: str) -> None:
    old = f"sqlite:///{process.folder}/old.db"
    hold = HoldStream(2)
    process.model.script(Say("I was about to say", hold=hold))
    process.model.always(Say("Here I am."))
    await process.start(DATABASE_URL=old)
    await process.ann.say(process.home, "are you there?")
    await hold.reached(PATIENCE_S)
    await process.kill()
    hold.release()
    await import_all(process, old, elsewhere)
    await process.start(DATABASE_URL=elsewhere)
    await process.home.wait(lambda chat: [one.text for one in chat.replies] == ["Here I am."], PATIENCE_S)
    await process.end()


async def test_database_of_running_bot_is_not_moved(process: Stage, elsewhere: str) -> None:
    old = f"sqlite:///{process.folder}/old.db"
    await process.start(DATABASE_URL=old)
    await say(process, "hello")
    ran = await process.shell("import", old, DATABASE_URL=elsewhere)
    assert (ran.code, ran.written) == (1, "")
    assert ran.complained == f"{process.folder}/old.db: another bot is running on it: stop it first\n"
    await process.end()
    await import_all(process, old, elsewhere)
    again = await process.shell("import", old, DATABASE_URL=elsewhere)
    assert again.code == 1
    assert "is not empty (it has chats, turns, turn_messages and more), and was left as it was" in again.complained
    itself = await process.shell("import", old, DATABASE_URL=old)
    assert itself.complained.endswith("old.db is the database in DATABASE_URL: set that to the new one first\n")


@pytest.mark.long
@pytest.mark.parametrize(
    ("share", "number"),
    [(10, signal.SIGKILL), (50, signal.SIGKILL), (90, signal.SIGKILL), (50, signal.SIGTERM), (50, signal.SIGINT)],
)
async def test_killed_move_leaves_nothing(share: int, number: signal.Signals, process: Stage, elsewhere: str) -> None:
    path = process.folder / "old.db"
    await _fill(path)
    await _until(process, f"sqlite:///{path}", elsewhere, "Importing", share, number)
    storage = await _opened(elsewhere)
    assert await storage.database.rows("SELECT id FROM chats") == []
    await storage.close()
    assert "turns                20,003" in await import_all(process, f"sqlite:///{path}", elsewhere)


@pytest.mark.long
async def test_killed_indexing_is_done_by_bot(process: Stage, elsewhere: str) -> None:
    path = process.folder / "old.db"
    await _fill(path)
    await _until(process, f"sqlite:///{path}", elsewhere, "Making the index", 50, signal.SIGKILL)
    storage = await _opened(elsewhere)
    assert (await storage.database.rows("SELECT count(*) AS number FROM turns"))[0]["number"] == TURNS + 3
    await storage.close()


TURNS = 20_000


async def _fill(path: Path) -> None:
    storage = await Storage.open(path)
    await fill(storage.database)
    async with storage.transaction() as tx:
        await tx.execute_many(
            "INSERT INTO turns (chat_id, role, state, content, created_at) VALUES (10, 'user', 'settled', ?, 0.5)",
            [(f"word {number}",) for number in range(TURNS)],
        )
    await storage.close()


async def _opened(url: str) -> Storage:
    if url.startswith("postgres"):
        return await Storage.connect(url)
    return await Storage.open(Path(url.removeprefix("sqlite:///")))


async def _until(stage: Stage, old: str, new: str, title: str, share: int, number: signal.Signals) -> None:
    """Import on a terminal, and end the process when the progress bar shows this share in percent."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bot", "import", old]
    environment = whole({**stage.environment, "DATABASE_URL": new})
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=theirs, env=environment, cwd=stage.folder
    )
    os.close(theirs)
    shown = ""
    while not any(int(found) >= share for found in re.findall(rf"{title} +\[[#-]+\] +(\d+)%", shown)):
        data = await asyncio.wait_for(asyncio.to_thread(os.read, ours, 1000), PATIENCE_S)
        shown = shown[-200:] + data.decode()
    process.send_signal(number)
    await process.wait()
    os.close(ours)
