"""Histories leave a bot and come into another one, by the commands of the shell."""

import asyncio
import json
import stat

from sandbox.model import Say
from tests.archive.test_chatgpt import conversation, message
from tests.e2e import tables
from tests.e2e.conftest import Stage
from tests.e2e.owners import query
from tests.e2e.quick import hurry  # noqa: F401 - a fixture
from tests.e2e.test_memory import say


def database(stage: Stage, name: str) -> str:
    return f"sqlite:///{stage.folder}/{name}"


async def test_exported_history_is_remembered_by_another_bot(stage: Stage) -> None:
    stage.model.answer_with(lambda _: Say("I see."))
    await stage.start()
    await say(stage, "My granite is called Rosa.")
    await say(stage, "And my slate is called Ben.")
    while query(stage, "SELECT 1 FROM turns WHERE state = 'complete'"):  # noqa: ASYNC110 - shows there only
        await asyncio.sleep(0.02)  # what is not known to have arrived is exported so, and sent once more
    out = await stage.shell("export", "all.json")  # beside the running bot
    assert (out.code, out.written, out.complained) == (0, "", "")
    assert stat.S_IMODE((stage.folder / "all.json").stat().st_mode) == 0o600
    assert [path.name for path in stage.folder.glob("export-*")] == []
    await stage.end()

    elsewhere = database(stage, "elsewhere.db")
    put = await stage.shell("import", "all.json", DATABASE_URL=elsewhere)
    assert (put.code, put.written, put.complained) == (0, "Imported: 1 chat, 4 messages.\n", "")
    again = await stage.shell("export", DATABASE_URL=elsewhere)
    assert again.written == (stage.folder / "all.json").read_text()

    await stage.start(DATABASE_URL=elsewhere)
    assert "granite is called Rosa" in await say(stage, "/search granite")
    await say(stage, "What is my slate called?")
    prompt = [message.text for message in stage.model.requests[-1].messages]
    assert [text for text in prompt if "Rosa" in text]
    assert prompt[-1].endswith("What is my slate called?")


async def test_import_into_running_bots_database_is_refused(stage: Stage) -> None:
    await stage.start()
    await say(stage, "hello")
    await stage.shell("export", "all.json")
    refused = await stage.shell("import", "all.json")
    assert refused.code == 1
    assert refused.complained == f"{tables.name(stage)}: another bot is running on it: stop it first\n"


async def test_a_history_is_not_imported_over_another_one(stage: Stage) -> None:
    await stage.start()
    await say(stage, "hello")
    await stage.end()
    await stage.shell("export", "all.json")
    refused = await stage.shell("import", "all.json")
    assert refused.code == 1
    assert refused.complained == f"the chat {stage.home.id} already has a history, which was left as it is\n"


async def test_one_chat_is_exported_by_its_id(stage: Stage) -> None:
    group = stage.telegram.group("All", [stage.ann])
    await stage.start(GROUP_TRIGGER="always")
    await say(stage, "hello")
    await stage.ann.say(group, "hello all")
    await stage.ann.say(group, "/help")
    await group.wait(2)  # the first is seen while it is written, the second when that one is stored
    one = await stage.shell("export", "--chat", str(group.id), "-")
    file = json.loads(one.written)
    assert file["chat"]["id"] == group.id
    assert [one["role"] for one in file["messages"]] == ["user", "assistant"]
    assert file["messages"][0]["sender"]["id"] == stage.ann.id
    unknown = await stage.shell("export", "--chat=7/3")
    assert (unknown.code, unknown.written) == (1, "")
    assert unknown.complained.startswith("there is no chat 7/3 in ")


async def test_export_never_overwrites_a_file(stage: Stage) -> None:
    await stage.start()
    await say(stage, "hello")
    (stage.folder / "mine.json").write_text("mine")
    refused = await stage.shell("export", "mine.json")
    assert (refused.code, refused.complained) == (1, "mine.json can't be written: File exists\n")
    assert (stage.folder / "mine.json").read_text() == "mine"


async def test_export_without_a_database_is_refused(stage: Stage) -> None:
    refused = await stage.shell("export", DATABASE_URL=database(stage, "none.db"))
    assert refused.code == 1
    assert refused.complained.startswith("there is no database")
    assert not (stage.folder / "none.db").exists()


async def test_a_conversation_of_chatgpt_goes_on_here(stage: Stage) -> None:
    said = [message("user", "My cat is called Mog."), message("assistant", "A fine name.", at=1_700_000_005.0)]
    (stage.folder / "conversations.json").write_text(json.dumps([conversation(*said), conversation(None, name="c2")]))
    arguments = ("import", "conversations.json", "--chat", str(stage.home.id), "--conversation", "c1")
    put = await stage.shell(*arguments)
    assert (put.code, put.written) == (0, "Imported: 1 chat, 2 messages.\n")
    await stage.start()
    await say(stage, "What is my cat called?")
    prompt = [(message.role, message.text) for message in stage.model.requests[-1].messages[1:]]
    assert prompt[:2] == [("user", "[Tue 2023-11-14 22:13] My cat is called Mog."), ("assistant", "A fine name.")]
    assert "Mog" in await say(stage, "/search cat")


async def test_imported_history_longer_than_window_is_continued(stage: Stage) -> None:
    said = [
        message(role, f"{role} {number} " + "some words about stones " * 20, at=1_700_000_000.0 + number)
        for number in range(60)
        for role in ("user", "assistant")
    ]
    said[0] = message("user", "My cat is called Mog.", at=1_700_000_000.0)
    (stage.folder / "conversations.json").write_text(json.dumps(conversation(*said)))
    assert (await stage.shell("import", "conversations.json", "--chat", str(stage.home.id))).code == 0
    await stage.start(CONTEXT_WINDOW="4096")
    await say(stage, "What is my cat called?")
    assert "Mog" in stage.model.requests[-1].messages[-1].text
