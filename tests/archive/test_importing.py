"""A file with something wrong in it is refused as a whole, with a sentence that says what and where."""

import json
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from bot.archive.importing import Importer, ImportOptions
from bot.conversation.tokens import estimate
from bot.errors import ArchiveError
from storage import Storage
from storage.records import ChatKey, Role
from tests.archive.conftest import HOME, exported, fill, imported
from tests.selection import some

Break = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("broken", "said"),
    some(
        [
            (lambda file: file["messages"][1].pop("time"), r"0\.messages\.1\.time: Field required"),
            (lambda file: file["messages"][1].update(time="yesterday"), r"messages\.1\.time: Input should be a valid"),
            (lambda file: file["messages"][1].update(time="2026-11-23T10:00:00"), r"messages\.1\.time: .*timezone"),
            (lambda file: file["messages"][1].update(time="9999-11-23T10:00:00Z"), r"messages\.1\.time: .*less than"),
            (lambda file: file["messages"][1].update(role="system"), r"messages\.1\.role: "),
            (
                lambda file: file["messages"][1].update(state="sent"),
                r"messages\.1: a message of the user is waiting or",
            ),
            (lambda file: file["messages"][1].update(tokens=-1), r"messages\.1\.tokens: "),
            (lambda file: file["messages"][1].update(tokens="many"), r"messages\.1\.tokens: "),
            (lambda file: file["messages"][1].update(asekd=False), r"messages\.1\.asekd: Extra inputs"),
            (lambda file: file["messages"][1].update(telegram=[{"id": 1}, {"id": 1}]), r"messages\.1: .*twice"),
            (lambda file: file["messages"][1].update(reply_to=2**63), r"messages\.1\.reply_to: "),
            (lambda file: file["messages"][0]["media"].pop(), r"messages\.0: 1 entries in media for 2"),
            (
                lambda file: file["messages"][0]["content"][0]["image_url"].update(url="https://example.org/a.png"),
                r"messages\.0\.content.*: a picture is a data URL",
            ),
            (
                lambda file: file["messages"][0]["content"][1]["input_audio"].update(data="äöü"),
                r"messages\.0\.content.*: this is no base64|ASCII",
            ),
            (lambda file: file["memory"].update(covers=99), r"0: the memory covers 99 of 5 messages"),
            (lambda file: file.update(version=2), r"0\.version: "),
            (lambda file: file["chat"].pop("id"), r"0\.chat\.id: Field required"),
            (lambda file: file["chat"]["choices"].update(voice="yes"), r"0\.chat\.choices\.voice: .*valid boolean"),
            (lambda file: file["chat"]["choices"].update(mood="good"), r"0\.chat\.choices\.mood: Unexpected"),
            (lambda file: file["chat"]["choices"].update(memory_way="none"), r"choices\.memory_way: .*'truncate' or"),
            (lambda file: file["usage"][0].update(day="2026-02-30"), r"usage\.0\.day: "),
            (lambda file: file["usage"][0].update(input=2**62), r"usage\.0\.input: "),
            (lambda file: file["messages"][1].update(tokens=2**62), r"messages\.1\.tokens: "),
        ],
        3,
    ),
)
async def test_broken_entry_is_named_and_nothing_written(
    storage: Storage, other: Storage, tmp_path: Path, broken: Break, said: str
) -> None:
    await fill(storage)
    files = json.loads(await exported(storage))
    broken(files[0])
    with pytest.raises(ArchiveError, match=said):
        await imported(other, json.dumps(files), tmp_path)
    assert await other.archive.keys() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"format": "keepsake",\n "version": }', r"this is not JSON: Expecting value: line 2 column 13"),
        ("", "this is not JSON"),
        ("[" * 100_000, "this is not JSON"),
        ('[{"mapping": ' + "[" * 900 + "]" * 900 + "}]", "nested too deep|wrong|mapping|say which private chat"),
        ("{}", "neither a Keepsake file nor"),
        ('"keepsake"', "neither a Keepsake file nor"),
        ('[{"format": "keepsake"}, 5]', r"0\.version: Field required \(and 3 more\)"),
    ],
)
async def test_what_is_no_such_file_is_refused(other: Storage, tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ArchiveError, match=said):
        await imported(other, text, tmp_path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "import.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArchiveError, match="can't be read"):
        Importer(estimate, UTC).read(tmp_path / "import.json", ImportOptions())


async def test_one_chat_twice_is_refused(storage: Storage, other: Storage, tmp_path: Path) -> None:
    await fill(storage)
    files = json.loads(await exported(storage))
    with pytest.raises(ArchiveError, match="the same chat is in it twice"):
        await imported(other, json.dumps([files[0], files[0]]), tmp_path)


async def test_where_our_own_file_goes_stands_in_it(storage: Storage, other: Storage, tmp_path: Path) -> None:
    await fill(storage)
    with pytest.raises(ArchiveError, match="leave out --chat"):
        await imported(other, await exported(storage), tmp_path, ImportOptions(ChatKey(5)))


async def test_handwritten_file_with_messages_and_times_is_imported(other: Storage, tmp_path: Path) -> None:
    """Its messages are in OpenAI's form."""
    file = {
        "format": "keepsake",
        "version": 1,
        "chat": {"id": HOME.telegram_id, "private": True, "created": "2026-11-01T08:00:00+01:00"},
        "messages": [
            {"role": "user", "content": "What is two and two?", "time": "2026-11-01T08:00:00+01:00"},
            {"role": "assistant", "content": [{"type": "text", "text": "Four."}], "time": "2026-11-01T07:00:02Z"},
        ],
    }
    await imported(other, json.dumps(file, indent=2), tmp_path)
    chat = await other.archive.read(HOME)
    assert chat is not None
    assert [(turn.role, turn.state, turn.content) for turn in chat.turns] == [
        (Role.USER, "settled", "What is two and two?"),
        (Role.ASSISTANT, "sent", "Four."),
    ]
    assert all(turn.tokens > 0 for turn in chat.turns)
    assert chat.turns[1].at - chat.turns[0].at == 2
