"""How the process starts, refuses to start, and ends."""

import asyncio
import sqlite3
from pathlib import Path

import httpx
import pytest

from sandbox.botapi import BotApi
from sandbox.model import HoldStream, Say
from storage import sqlite
from tests.conftest import ON_POSTGRES
from tests.e2e import tables
from tests.e2e.conftest import PATIENCE_S, Separate, Stage
from tests.selection import first

SLOW = Say(" ".join(["word"] * 40), delay=0.05)


@pytest.mark.parametrize("name", first(["TELEGRAM_BOT_TOKEN", "OPENAI_API_KEY"]))
async def test_missing_setting_ends_start_with_one_line(name: str, program: Stage, tmp_path: Path) -> None:
    program.environment.pop(name)
    ran = await program.shell()
    assert ran.code == 2
    assert ran.complained.startswith(f"{name} is missing")
    assert ran.complained.count("\n") == 1


async def test_unknown_token_ends_the_start(process: Stage, tmp_path: Path) -> None:
    ran = await process.shell(TELEGRAM_BOT_TOKEN="123456:other-token")
    assert ran.code == 2
    assert "TELEGRAM_BOT_TOKEN: Telegram does not know this token" in ran.complained
    assert "other-token" not in ran.complained


async def test_unwritable_database_ends_the_start(process: Stage, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ran = await process.shell(DATABASE_URL=f"sqlite:///{tmp_path}/file/keepsake.db")
    assert ran.code == 2
    assert ran.complained.startswith("DATABASE_URL: ")


@pytest.mark.sqlite_only("its file is no database")
async def test_file_that_is_no_database_ends_start(process: Stage, tmp_path: Path) -> None:
    (tmp_path / "keepsake.db").write_text("this is not a database, but a longer text than a header")
    ran = await process.shell()
    assert ran.code == 2
    assert ran.complained.startswith("DATABASE_URL: ")
    assert ran.complained.count("\n") == 1


async def test_a_server_without_webhooks_can_be_polled(process: Stage) -> None:
    process.telegram.faults.add("deleteWebhook", code=404, description="Not Found: method not found")
    await process.start()
    await process.ann.say(process.home, "hello")
    await process.replies(1)


async def test_webhook_on_server_without_webhooks_ends_start(process: Stage, tmp_path: Path) -> None:
    process.telegram.faults.add("setWebhook", code=404, description="Not Found: method not found")
    async with BotApi().run() as url:
        port = url.rpartition(":")[2]
    ran = await process.shell(WEBHOOK_URL=f"{url}/hook", PORT=port)
    assert ran.code == 1
    assert "WEBHOOK_URL: this Bot API server does not know setWebhook" in ran.complained
    assert "Traceback" not in ran.complained


async def test_a_newer_database_is_refused(process: Stage, tmp_path: Path) -> None:
    newer = sqlite.latest() + 1
    tables.write(
        process, f"UPDATE schema_version SET version = {newer}" if ON_POSTGRES else f"PRAGMA user_version = {newer}"
    )
    ran = await process.shell()
    assert ran.code == 1
    assert "run the version that wrote it" in ran.complained


async def test_a_port_that_is_taken_ends_the_start(process: Stage, tmp_path: Path) -> None:
    port = process.environment["TELEGRAM_API_URL"].rpartition(":")[2]
    ran = await process.shell(PORT=port)
    assert ran.code == 2
    assert "PORT: the bot can't listen on" in ran.complained


async def test_sigterm_lets_the_answer_finish(program: Stage) -> None:
    program.model.script(SLOW)
    await program.start()
    await program.ann.say(program.home, "hello")
    await program.telegram.changed(lambda: program.home.draft is not None, PATIENCE_S)
    assert await program.end() == 0
    assert [message.text.split() for message in program.home.replies] == [SLOW.text.split()]


@pytest.mark.long
async def test_second_signal_ends_process_at_once(program: Stage) -> None:
    """The answer comes after the restart."""
    hold = HoldStream(2)
    program.model.script(Say("never finished", hold=hold))
    program.model.always(Say("written anew"))
    await program.start()
    await program.ann.say(program.home, "hello")
    await hold.reached(PATIENCE_S)
    ending = asyncio.create_task(program.end())
    await asyncio.sleep(0.3)
    assert not ending.done()
    async with asyncio.timeout(5):
        assert await program.end() == 1
    await ending
    await program.start()
    assert await program.replies(1) == ["written anew"]


@pytest.mark.sqlite_only("on PostgreSQL, both work")
async def test_second_bot_waits_for_first_to_end(process: Stage) -> None:
    await process.start()
    await process.ready()
    log = process.folder / "second" / "second.log"
    second = Separate(process._launch, process.environment, log)
    await second.start()
    await asyncio.sleep(2)
    assert second.running
    assert "Ready" not in log.read_text()
    await process.end()
    await process.ann.say(process.home, "hello")
    await process.replies(1)
    assert "Ready" in log.read_text()
    second.kill()
    await second.wait()


@pytest.mark.sqlite_only("copies its file")
async def test_a_backup_is_taken_beside_a_running_bot(process: Stage, tmp_path: Path) -> None:
    await process.start()
    await process.ann.say(process.home, "remember this")
    await process.replies(1)
    ran = await process.shell("backup", "copy.db")
    assert (ran.code, ran.complained) == (0, "")
    copy = sqlite3.connect(tmp_path / "copy.db")
    assert copy.execute("SELECT count(*) FROM turns").fetchone() == (2,)
    copy.close()
    assert (await process.shell("backup", "copy.db")).code == 1


@pytest.mark.long
async def test_bot_waits_while_telegram_is_unreachable(process: Stage) -> None:
    telegram = BotApi(token=process.telegram.token)
    async with telegram.run() as url:
        port = int(url.rpartition(":")[2])
    await process.start(TELEGRAM_API_URL=url)
    await asyncio.sleep(4)
    async with telegram.run(port=port):
        ann = telegram.user("Ann")
        home = telegram.private(ann)
        await ann.say(home, "hello")
        await home.wait(1, PATIENCE_S)
        await process.kill()


async def test_health_is_served_while_polling(process: Stage) -> None:
    async with BotApi().run() as url:
        port = url.rpartition(":")[2]
    await process.start(PORT=port)
    await process.ready()
    async with httpx.AsyncClient() as client:
        health = await client.get(f"http://127.0.0.1:{port}/healthz")
        assert (health.status_code, health.text) == (200, "ok")
        assert (await client.get(f"http://127.0.0.1:{port}/anything")).status_code == 404
