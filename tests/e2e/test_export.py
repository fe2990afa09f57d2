"""/export sends the history of its own chat as a file; in a group an administrator gets it."""

import json
import re
import shutil
from datetime import UTC
from pathlib import Path

import pytest

from bot.archive.importing import Importer, ImportOptions, put
from bot.conversation.tokens import estimate
from bot.handlers import export_command
from sandbox.botapi import Chat, Message
from sandbox.model import Say
from storage import Storage
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry  # noqa: F401 - a fixture
from tests.e2e.test_memory import say
from tests.media.files import picture


async def file_after(stage: Stage, text: str, chat: Chat | None = None) -> Message:
    """What comes when that is said: the newest message with a file."""
    place = chat or stage.home
    before = len([one for one in place.replies if one.document is not None])
    await stage.ann.say(place, text)
    await place.wait(lambda seen: len([one for one in seen.replies if one.document is not None]) > before, PATIENCE_S)
    return place.replies[-1]


@pytest.fixture
def talkative(stage: Stage) -> Stage:
    stage.model.answer_with(lambda _: Say("**Noted.**"))
    return stage


async def test_export_is_json_that_another_bot_imports(talkative: Stage, first_database: Path, tmp_path: Path) -> None:
    await talkative.start()
    await say(talkative, "My slate is called Ben.")
    sent = await file_after(talkative, "/export json")
    assert sent.file_name is not None
    assert sent.file_name.startswith("keepsake-")
    assert sent.file_name.endswith(".json")
    assert re.match(r"2 messages from \d{4}-\d\d-\d\d, without ", sent.text)
    assert sent.document is not None
    file = json.loads(sent.document)
    assert [(one["role"], one["content"][-24:]) for one in file["messages"]] == [
        ("user", " My slate is called Ben."),
        ("assistant", "**Noted.**"),
    ]
    (tmp_path / "taken.json").write_bytes(sent.document)
    other = await Storage.open(Path(shutil.copyfile(first_database, tmp_path / "other.db")))
    await put(other, Importer(estimate, UTC).read(tmp_path / "taken.json", ImportOptions()), 0.0)
    assert len(await other.archive.keys()) == 1
    await other.close()


async def test_the_form_is_chosen_by_a_button(talkative: Stage) -> None:
    await talkative.start()
    await say(talkative, "My slate is called Ben.")
    assert "Which format" in await say(talkative, "/export")
    question = talkative.home.replies[-1]
    assert [button.text for button in question.buttons] == ["JSON", "Markdown"]
    await talkative.ann.press(question, "Markdown")
    await talkative.home.wait(lambda chat: chat.replies[-1].document is not None, PATIENCE_S)
    assert talkative.home.message(question.id).buttons == ()
    sent = talkative.home.replies[-1]
    assert sent.file_name is not None
    assert sent.file_name.endswith(".md")
    assert sent.document is not None
    text = sent.document.decode()
    assert "**Ann**, " in text
    assert "\n\nMy slate is called Ben.\n\n" in text
    assert text.endswith("\n\n**Noted.**\n")


async def test_export_omits_reset_turns_and_reports_emptiness(talkative: Stage) -> None:
    await talkative.start()
    assert "Nothing has been said" in await say(talkative, "/export json")
    await say(talkative, "My slate is called Ben.")
    await say(talkative, "/reset")
    assert "Nothing has been said" in await say(talkative, "/export json")
    await say(talkative, "My granite is called Rosa.")
    sent = await file_after(talkative, "/export json")
    assert sent.document is not None
    assert b"Rosa" in sent.document
    assert b"Ben" not in sent.document


async def test_an_unknown_form_is_told_how(talkative: Stage) -> None:
    await talkative.start()
    assert await say(talkative, "/export pdf") == "Use /export, /export json or /export markdown."


async def test_oversized_export_drops_pictures_or_is_refused(talkative: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Telegram limits the size of a file: first the pictures are left out, then the export is refused."""
    await talkative.start(VISION_MODEL="sees")
    await talkative.ann.photo(talkative.home, picture(), "look")
    await talkative.replies(1)
    whole = await file_after(talkative, "/export json")
    assert whole.document is not None
    assert b"data:image/" in whole.document
    assert "aren't in this file" not in whole.text
    monkeypatch.setattr(export_command, "MOST_BYTES", len(whole.document) - 1)
    without = await file_after(talkative, "/export json")
    assert without.document is not None
    assert b"data:image/" not in without.document
    assert json.loads(without.document)["media_left_out"] is True
    assert without.text.endswith("Pictures and audio aren't in this file.")
    monkeypatch.setattr(export_command, "MOST_BYTES", 100)
    assert "too long for a file" in await say(talkative, "/export json")
    assert "too long for a file" in await say(talkative, "/export markdown")


async def test_only_administrators_can_export_a_group(talkative: Stage) -> None:
    eve = talkative.telegram.user("Eve")
    group = talkative.telegram.group("All", [talkative.ann, eve])
    await talkative.start(GROUP_TRIGGER="always")
    await eve.say(group, "My slate is called Ben.\nAnn: it is mine")
    await group.wait(1)
    await eve.say(group, "/export json")
    assert [message.text for message in await group.wait(2)][1].startswith("Only an administrator")
    await talkative.ann.say(group, "/export")
    question = (await group.wait(3))[2]
    await eve.press(question, "Markdown")
    await talkative.ann.press(question, "Markdown")
    await group.wait(4)
    sent = group.replies[-1]
    assert sent.document is not None
    text = sent.document.decode()
    assert "**Eve**, " in text
    assert "\n\nMy slate is called Ben.\nAnn: it is mine\n\n" in text
    told = [call.params.get("text") for call in talkative.telegram.calls if call.method == "answerCallbackQuery"]
    assert told == ["Only an administrator of this group can do that.", None]


async def test_second_press_sends_export_again(talkative: Stage) -> None:
    await talkative.start()
    await say(talkative, "My slate is called Ben.")
    await say(talkative, "/export")
    question = talkative.home.replies[-1]
    await talkative.ann.press(question, "JSON")
    await talkative.ann.press(question, "JSON")
    files = await talkative.replies(4)
    assert [text[:10] for text in files[2:]] == ["2 messages", "2 messages"]
    assert await say(talkative, "And you?") == "Noted."
