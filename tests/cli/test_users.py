"""The shell's commands about access, on a database without a bot."""

import re
from pathlib import Path

import pytest

from bot.__main__ import _parse
from bot.cli import users as admission
from bot.errors import SettingError, StartError
from bot.settings import Settings, load
from storage import Storage
from storage.access_list import AccessStatus, Applicant, Decider
from storage.backup import backup

OWNER, BOB = 1, 7


@pytest.fixture
def settings(database_file: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a bot that has run, where Telegram is out of reach."""
    variables = {
        "TELEGRAM_BOT_TOKEN": "123456:AAE-very_secret",
        "TELEGRAM_API_URL": "http://127.0.0.1:9",
        "OPENAI_API_KEY": "sk-0123456789abcdef",
        "DATABASE_URL": f"sqlite:///{database_file}",
        "OWNER_IDS": str(OWNER),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load(env_file=None)


async def test_decision_is_listed_and_in_the_backup(settings: Settings, tmp_path: Path) -> None:
    assert await admission.put(settings, BOB, AccessStatus.ALLOWED) == "7 has access now.\n"
    listed = await admission.users(settings)
    assert re.search(r"^• 7: since [-0-9]+, by the bot's operator, 0 tokens in, 0 out$", listed, re.MULTILINE)
    await backup(settings.database_path, tmp_path / "copy.db")
    copied = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/copy.db"})
    assert await admission.users(copied) == listed
    assert await admission.put(settings, BOB, AccessStatus.BLOCKED) == "7 is blocked now.\n"
    assert "Blocked\n• 7: " in await admission.users(settings)


async def test_owner_code_is_shown_without_telegram(settings: Settings) -> None:
    assert re.search(r": /start [A-Za-z0-9_-]{32}$", await admission.owner(settings))


async def test_what_the_settings_say_stands_above_it(settings: Settings) -> None:
    with pytest.raises(SettingError, match=r"^OWNER_IDS"):
        await admission.put(settings, OWNER, AccessStatus.BLOCKED)
    by_list = settings.model_copy(update={"access": "list"})
    with pytest.raises(SettingError, match=r"^ACCESS=list"):
        await admission.put(by_list, BOB, AccessStatus.ALLOWED)
    with pytest.raises(SettingError, match=r"^ACCESS=list"):
        await admission.owner(by_list)


async def test_missing_database_is_not_created(settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/none.db"})
    with pytest.raises(StartError, match="there is no database"):
        await admission.users(elsewhere)
    assert not elsewhere.database_path.exists()


@pytest.mark.parametrize("words", ["bob", "@bob", "0", "7/3", ""])
def test_an_id_is_a_number(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _parse(["allow", words])
    assert "is not an ID" in capsys.readouterr().err
    assert _parse(["block", "-100123"]).id == -100123


async def test_people_who_were_denied_are_listed(settings: Settings) -> None:
    storage = await Storage.open(settings.database_path)
    async with storage.transaction() as tx:
        await storage.access.put(tx, Applicant(BOB, "Bob"), AccessStatus.DENIED, Decider(OWNER, "Olga"), 60.0)
    await storage.close()
    assert "Denied\n• “Bob” · 7: since 1970-01-01, by “Olga”" in await admission.users(settings)
    await admission.put(settings, BOB, AccessStatus.ALLOWED)
    assert "Denied" not in await admission.users(settings)
