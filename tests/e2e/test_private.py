"""What the program writes is its owner's alone, and what was wider is not any more."""

import asyncio
import os
import stat

import pytest

from sandbox.model import Say
from tests.e2e import tables
from tests.e2e.conftest import PATIENCE_S, Stage

pytestmark = pytest.mark.skipif(os.name != "posix", reason="this system has no file modes")


def _modes(stage: Stage) -> dict[str, int]:
    names = stage.folder.glob("**/*.db*")
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in names}


@pytest.mark.sqlite_only("is about its files")
async def test_a_running_bot_and_its_backups_are_private(process: Stage) -> None:
    await process.start(DATABASE_URL=f"sqlite:///{process.folder}/data/keepsake.db")
    await process.ann.say(process.home, "hello")
    await process.replies(1)
    assert (await process.shell("backup", "copy.db")).code == 0
    modes = _modes(process)
    assert set(modes) >= {"keepsake.db", "keepsake.db-wal", "keepsake.db.lock", "copy.db"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((process.folder / "data").stat().st_mode) == 0o700
    await process.end()
    await asyncio.to_thread((process.folder / "data" / "keepsake.db").chmod, 0o644)
    await asyncio.to_thread((process.folder / ".env").touch)
    await asyncio.to_thread((process.folder / ".env").chmod, 0o644)
    await process.start()
    await process.ann.say(process.home, "hello again")
    await process.replies(2)
    assert set(_modes(process).values()) == {0o600}
    assert "could be read or written by others (mode 644)" in process.log()
    assert ".env can be read or written by others (mode 644)" in process.log()


async def _gone(stage: Stage, words: bytes) -> bool:
    for _ in range(100):
        if words not in await asyncio.to_thread(tables.everything, stage):
            return True
        await asyncio.sleep(0.1)
    return False


async def test_a_strangers_words_are_not_kept(process: Stage) -> None:
    eve = process.telegram.user("Eve")
    home = process.telegram.private(eve)
    group = process.telegram.group("Club", [eve])
    await process.start(ACCESS="list", ALLOWED_IDS=str(process.ann.id))
    await eve.say(home, "my zanzibarine secret")
    await eve.say(group, "@keepsake_bot the zanzibarine club")
    unreadable = {"message_id": 77, "date": "never", "chat": {"id": eve.id, "type": "private"}, "text": "zanzibarine"}
    process.telegram.push_update({"message": unreadable})
    await process.ann.say(process.home, "my own words, lumberjackish")
    await process.replies(1)
    assert await _gone(process, b"zanzibarine")
    assert b"lumberjackish" in tables.everything(process)


async def test_forgotten_words_are_in_no_open_question(process: Stage) -> None:
    await process.start()
    told = await process.ann.say(process.home, "my boat is the Zanzibarine")
    await process.replies(1)
    await process.ann.say(process.home, "/forget", reply_to=told.id)
    await process.replies(2)
    await process.ann.say(process.home, "/forget zanzibarine")
    (_, _, asked) = await process.home.wait(3)
    await process.ann.press(asked, "Forget it")
    assert await _gone(process, b"anzibarine")


async def test_a_handled_update_leaves_no_words(process: Stage) -> None:
    await process.start()
    said = await process.ann.say(process.home, "my boat is the Zanzibarine")
    await process.replies(1)
    await process.ann.edit(said, "my boat is green")
    await process.ann.say(process.home, "/search zanzibarine")
    await process.ann.say(process.home, "/start zanzibarine")
    await process.replies(3)
    assert await _gone(process, b"anzibarine")
    assert b"my boat is green" in tables.everything(process)


async def test_a_members_forgotten_words_are_in_no_quote(process: Stage) -> None:
    bob, cleo = process.telegram.user("Bob"), process.telegram.user("Cleo")
    group = process.telegram.group("Club", [process.ann, bob, cleo])
    process.model.script(Say("Noted."))
    await process.start()
    told = await bob.say(group, "Keepsake, my boat is the Zanzibarine")
    await group.wait(1, PATIENCE_S)
    await cleo.say(group, "what a lumberjackish name", reply_to=told.id)
    await cleo.say(
        group, "and green it is", reply_to=told.id, quote={"text": "boat is the Zanzibarine", "position": 13}
    )
    await bob.say(group, "/forget", reply_to=told.id)
    asked = (await group.wait(2, PATIENCE_S))[-1]
    assert b"anzibarine" in tables.everything(process)
    await bob.press(asked, "Forget it")
    assert await _gone(process, b"anzibarine")
    assert b"what a lumberjackish name" in tables.everything(process)
    assert b"and green it is" in tables.everything(process)
