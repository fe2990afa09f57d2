"""``python -m bot doctor`` as whoever runs the bot sees it: in a healthy world, a half-broken one and a dead one."""

import asyncio
import signal
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from bot.doctor.media_checks import DIGITS
from sandbox.botapi import BotApi
from sandbox.model import ChatRequest, Fail, Hang, ModelServer, Say
from sandbox.model.behaviour import Behaviour
from storage import sqlite
from tests.doctor.conftest import look
from tests.e2e.conftest import KEY, PATIENCE_S, TOKEN, Stage
from tests.e2e.programs import whole

ASKED = {"getMe", "getWebhookInfo"}


async def _doctor(stage: Stage, **variables: str) -> tuple[int, str]:
    """Its exit code, and all that it wrote."""
    ran = await stage.shell("doctor", **variables)
    text = ran.written + ran.complained
    assert "Traceback" not in text
    assert not [secret for secret in (TOKEN, TOKEN.partition(":")[2], KEY) if secret in text]
    return ran.code, text


def _marks(text: str) -> dict[str, str]:
    """What was checked, and how it was found."""
    lines = (line.split("  ")[0] for line in text.splitlines() if line[:1] in ("✓", "✗", "·"))
    return {line[2:].strip(): line[0] for line in lines}


def _seeing(asked: ChatRequest) -> Behaviour:
    images = asked.messages[-1].images
    return Say(look(images[0]) if images else "Yes.")


def _blind(asked: ChatRequest) -> Behaviour:
    if asked.messages[-1].images:
        return Fail(400, f"this model does not support image input, {KEY}")
    return Say("Yes.", usage=False)


async def test_a_healthy_world_has_ticks_alone(process: Stage, database_file: Path, tmp_path: Path) -> None:
    await asyncio.to_thread(database_file.unlink)
    process.model.answer_with(_seeing)
    process.model.transcriptions.script(" ".join(DIGITS))
    (tmp_path / "profiles.toml").write_text('[models."*"]\nprice_input = 1.0\n')
    helpers = {"EMBEDDING_MODEL": "near", "TRANSCRIPTION_MODEL": "ears", "MODEL_PROFILES": "profiles.toml"}
    code, text = await _doctor(process, **helpers)
    assert code == 0
    assert set(_marks(text).values()) == {"✓"}
    assert text.endswith("\nNothing prevents the bot from answering.\n")
    assert {call.method for call in process.telegram.calls} == ASKED
    assert not await asyncio.to_thread(database_file.exists)


async def test_partly_broken_setup_gets_notes_and_works(process: Stage, tmp_path: Path) -> None:
    process.telegram.privacy_mode = True
    process.model.answer_with(_blind)
    process.model.embeddings.script(Fail(404, f"no such model for {KEY}"))
    more = {"EMBEDDING_MODEL": "near", "WEBHOOK_URL": "https://bot.example/hook"}
    code, text = await _doctor(process, **more)
    assert code == 0
    noted = {what for what, mark in _marks(text).items() if mark == "·"}
    assert noted == {
        "Groups",
        "Webhook",
        "Usage",
        "Window",
        "Prompt cache",
        "Pictures",
        "Embeddings",
        "Voice",
        "This visit",
    }
    assert set(_marks(text).values()) == {"✓", "·"}
    assert "[hidden]" in text


@pytest.mark.long
@pytest.mark.sqlite_only("its file is no database")
async def test_broken_setup_gets_crosses_with_advice(process: Stage, tmp_path: Path) -> None:
    async with BotApi().run() as telegram, ModelServer().run() as model:
        pass
    (tmp_path / "keepsake.db").write_text("this is not a database, but a longer text than a header")
    code, text = await _doctor(process, TELEGRAM_API_URL=telegram, OPENAI_BASE_URL=model)
    assert code == 1
    assert {what for what, mark in _marks(text).items() if mark == "✗"} == {"Telegram", "Model", "Database"}
    assert text.endswith("\n3 problems prevent the bot from answering.\n")
    lines = text.splitlines()
    assert all(lines[at + 1].startswith(" " * 17) for at, line in enumerate(lines) if line.startswith("✗"))


async def test_wrong_token_and_key_are_reported_without_secrets(process: Stage, tmp_path: Path) -> None:
    wrong = {"TELEGRAM_BOT_TOKEN": "123456:another-token", "OPENAI_API_KEY": "sk-another-key"}
    code, text = await _doctor(process, **wrong)
    assert code == 1
    assert (_marks(text)["Telegram"], _marks(text)["Model"]) == ("✗", "✗")
    assert "another" not in text


async def test_beside_a_running_bot_it_disturbs_nothing(process: Stage, tmp_path: Path) -> None:
    await process.start()
    await process.ready()
    calls = len(process.telegram.calls)
    code, text = await _doctor(process)
    assert code == 0
    assert "· Running" in text
    await process.ann.say(process.home, "hello")
    await process.replies(1)
    assert not {call.method for call in process.telegram.calls[calls:]} & {"setWebhook", "deleteWebhook", "close"}
    assert all(call.ok for call in process.telegram.calls[calls:])


@pytest.mark.sqlite_only("looks at the bytes of its file")
async def test_a_newer_database_stays_as_it_is(process: Stage, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "keepsake.db")) as connection:
        connection.execute(f"PRAGMA user_version = {sqlite.latest() + 1}")
    before = (tmp_path / "keepsake.db").read_bytes()
    code, text = await _doctor(process)
    assert code == 1
    assert _marks(text)["Database"] == "✗"
    assert (tmp_path / "keepsake.db").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TELEGRAM_BOT_TOKEN", "none"),
        ("MEMORY", "elephant"),
        ("SYSTEM_PROMPT", "be kind " * 6_000),
        ("BUDGET_CHAT", "1 EUR"),
    ],
)
async def test_wrong_setting_is_one_line(name: str, value: str, process: Stage, tmp_path: Path) -> None:
    """As with every other command, there is no traceback."""
    code, text = await _doctor(process, **{name: value})
    assert code == 2
    assert text.startswith(f"{name}: ")
    assert text.count("\n") == 1
    assert process.telegram.calls == []


async def test_an_interrupt_ends_it_quietly(process: Stage, tmp_path: Path) -> None:
    process.model.script(Hang())
    with tempfile.TemporaryFile() as out:
        doctor = await process._launch(["doctor"], whole(process.environment), tmp_path, out, out)
        await process.model.wait_requests(1, PATIENCE_S)
        doctor.send(signal.SIGINT)
        assert await doctor.wait() == 128 + signal.SIGINT
        out.seek(0)
        assert b"Traceback" not in out.read()
