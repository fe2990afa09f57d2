"""One conversation of ChatGPT's conversations.json becomes the history of a private chat."""

import json
from pathlib import Path

import pytest

from bot.archive.importing import ImportOptions
from bot.conversation.tokens import estimate
from bot.errors import ArchiveError
from storage import Storage
from storage.archived_chat import ArchivedChat
from storage.records import ChatKey, Role
from tests.archive.conftest import HOME, imported

AT = 1_700_000_000.0
"""2023-11-14, 22:13:20 UTC."""
Entry = dict[str, object]


def message(role: str, *parts: object, at: float | None = AT, **more: object) -> Entry:
    """A message as the file has it, with the fields that are of no use here too."""
    return {
        "id": "m",
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "update_time": None,
        "content": {"content_type": "text", "parts": list(parts)},
        "status": "finished_successfully",
        "end_turn": True,
        "weight": 1.0,
        "metadata": {"model_slug": "gpt-4o", "finish_details": {"type": "stop"}},
        "recipient": "all",
        "channel": None,
    } | more


def conversation(*messages: Entry | None, title: str | None = "Rocks", name: str = "c1", **more: object) -> Entry:
    """A conversation without branches: a root, and one message below the other."""
    mapping: dict[str, Entry] = {"root": {"id": "root", "message": None, "parent": None, "children": ["n0"]}}
    for at, one in enumerate(messages):
        parent = f"n{at - 1}" if at else "root"
        mapping[f"n{at}"] = {"id": f"n{at}", "message": one, "parent": parent, "children": [f"n{at + 1}"]}
    current = f"n{len(messages) - 1}"
    head = {"id": name, "conversation_id": name, "title": title, "create_time": AT, "current_node": current}
    return head | {"moderation_results": [], "gizmo_id": None, "mapping": mapping} | more


async def history(storage: Storage, folder: Path, file: object, wish: str | None = None) -> ArchivedChat:
    await imported(storage, json.dumps(file), folder, ImportOptions(HOME, (wish,) if wish else ()))
    chat = await storage.archive.read(HOME)
    assert chat is not None
    return chat


async def test_import_takes_last_seen_branch_only(other: Storage, tmp_path: Path) -> None:
    talk = conversation(message("user", "first try"), message("assistant", "old answer"))
    mapping = talk["mapping"]
    assert isinstance(mapping, dict)
    mapping["e0"] = {"id": "e0", "message": message("user", "second try"), "parent": "root", "children": ["e1", "e2"]}
    mapping["e1"] = {"id": "e1", "message": message("assistant", "not this"), "parent": "e0", "children": []}
    mapping["e2"] = {"id": "e2", "message": message("assistant", "this one"), "parent": "e0", "children": []}
    chat = await history(other, tmp_path, [talk | {"current_node": "e2"}])
    assert [turn.content for turn in chat.turns] == ["[Tue 2023-11-14 22:13] second try", "this one"]


async def test_imported_turns_look_like_native_ones(other: Storage, tmp_path: Path) -> None:
    """They are stored as if they had been said here."""
    talk = conversation(
        message("user", "Is granite old?"),
        message("assistant", "Very.", at=AT + 5),
        message("user", "How old?", at=AT + 60),
        message("user", "Hello?", at=AT + 7200),
    )
    chat = await history(other, tmp_path, [talk])
    assert [(turn.role, turn.state, turn.at) for turn in chat.turns] == [
        (Role.USER, "settled", AT),
        (Role.ASSISTANT, "sent", AT + 5),
        (Role.USER, "settled", AT + 60),
        (Role.USER, "settled", AT + 7200),
    ]
    assert [turn.content for turn in chat.turns[2:]] == ["How old?", "[Wed 2023-11-15 00:13] Hello?"]
    assert all(turn.tokens == estimate(turn.content) for turn in chat.turns)
    assert {turn.sender_id for turn in chat.turns} == {HOME.telegram_id, None}
    assert (chat.private, chat.created_at, chat.stamped_at) == (True, AT, AT + 7200)


async def test_tools_system_thoughts_and_hidden_are_skipped(other: Storage, tmp_path: Path) -> None:
    hidden = {"is_visually_hidden_from_conversation": True}
    talk = conversation(
        message("system", ""),
        message("user", content={"content_type": "user_editable_context", "user_profile": "secret"}),
        message("user", "hidden", metadata=hidden),
        message("user", "weightless", weight=0.0),
        message("user", "Draw a stone."),
        message("assistant", content={"content_type": "thoughts", "thoughts": [{"content": "hm"}]}),
        message("assistant", content={"content_type": "code", "text": "draw()"}, recipient="python"),
        message("assistant", "Let me see.", channel="commentary"),
        message("tool", "<image>"),
        message("assistant", ""),
        message("assistant", "Here it is.", at=None, channel="final"),
    )
    chat = await history(other, tmp_path, [talk])
    assert [turn.content for turn in chat.turns] == ["[Tue 2023-11-14 22:13] Draw a stone.", "Here it is."]
    assert chat.turns[1].at == AT


async def test_pictures_sounds_and_files_leave_a_line(other: Storage, tmp_path: Path) -> None:
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-x", "width": 3}
    spoken = {"content_type": "audio_transcription", "text": "said aloud", "direction": "in"}
    sound = {"content_type": "audio_asset_pointer", "asset_pointer": "file-service://file-y"}
    files = [{"name": "a\nb.pdf", "mime_type": "application/pdf"}, {"name": "p.png", "mime_type": "image/png"}]
    parts = {"content_type": "multimodal_text", "parts": [picture, spoken, sound, "What is it?"]}
    chat = await history(
        other, tmp_path, [conversation(message("user", content=parts, metadata={"attachments": files}))]
    )
    assert chat.turns[0].content.split("] ", 1)[1] == "[file: a b.pdf]\n[picture]\nsaid aloud\n[sound]\nWhat is it?"


async def test_chatgpt_only_marks_are_removed(other: Storage, tmp_path: Path) -> None:
    said = "Granite is old \ue200cite\ue202turn0search1\ue201. Very."
    chat = await history(other, tmp_path, [conversation(message("user", "?"), message("assistant", said))])
    assert chat.turns[1].content == "Granite is old . Very."


async def test_newest_branch_is_taken_without_current_node(other: Storage, tmp_path: Path) -> None:
    talk = conversation(message("user", "q"), message("assistant", "new", at=AT + 9), current_node=None)
    mapping = talk["mapping"]
    assert isinstance(mapping, dict)
    mapping["n1"]["children"] = []
    mapping["x"] = {"message": message("assistant", "old", at=AT + 1), "parent": "n0"}
    chat = await history(other, tmp_path, talk)
    assert chat.turns[-1].content == "new"


async def test_conversation_is_chosen_by_title_or_id(other: Storage, tmp_path: Path) -> None:
    file = [conversation(message("user", "a")), conversation(message("user", "b"), title="Trees", name="c2")]
    assert (await history(other, tmp_path, file, "Trees")).turns[0].content.endswith(" b")


async def test_several_conversations_follow_one_another(other: Storage, tmp_path: Path) -> None:
    file = [
        conversation(message("user", f"said in {name}", at=AT + at), name=name, title="Rocks", create_time=AT + at)
        for name, at in {"c1": 9_000, "c2": 0, "c3": 5_000}.items()
    ]
    await imported(other, json.dumps(file), tmp_path, ImportOptions(HOME, every=True))
    topic = ChatKey(HOME.telegram_id, 7)
    await imported(other, json.dumps(file), tmp_path, ImportOptions(topic, ("c3", "c2", "c3")))
    for key, names in ((HOME, ("c2", "c3", "c1")), (topic, ("c2", "c3"))):
        chat = await other.archive.read(key)
        assert chat is not None
        assert [turn.content.splitlines()[-1][-len("said in c1") :] for turn in chat.turns] == [
            f"said in {name}" for name in names
        ]


async def test_the_list_has_times_and_plain_titles(other: Storage, tmp_path: Path) -> None:
    file = [
        conversation(message("user", "a"), title="new\n\x1b[31mline", name="c2"),
        conversation(message("user", "a"), title="old", name="c1", create_time=0),
        conversation(message("user", "a"), title=None, name="c0", create_time=-5),
    ]
    with pytest.raises(ArchiveError) as refused:
        await imported(other, json.dumps(file), tmp_path, ImportOptions())
    assert str(refused.value).splitlines()[1:] == [
        "1970-01-01  c0  ",
        "1970-01-01  c1  old",
        "2023-11-14  c2  new [31mline",
    ]


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (
            ImportOptions(HOME),
            "has 3 conversations: choose with --conversation ID, or take --all\n2[-0-9]+  c1  Rocks\n",
        ),
        (ImportOptions(HOME, ("Clouds",)), "no conversation with the title or ID 'Clouds'"),
        (ImportOptions(HOME, ("Rocks",)), "2 conversations have the title 'Rocks': choose one by its ID: c1, c2"),
        (ImportOptions(None, ("Trees",)), "which private chat"),
        (ImportOptions(ChatKey(-5), ("Trees",)), "which private chat"),
        (ImportOptions(HOME, ("Trees",)), "has no messages to import"),
    ],
)
async def test_what_is_not_clear_is_asked_back(other: Storage, tmp_path: Path, wish: ImportOptions, said: str) -> None:
    rocks = [conversation(message("user", "a"), name=name) for name in ("c1", "c2")]
    trees = conversation(message("system", "b"), title="Trees", name="c3")
    with pytest.raises(ArchiveError, match=said):
        await imported(other, json.dumps([*rocks, trees]), tmp_path, wish)
    assert await other.archive.keys() == []


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"mapping": {}}, r"0\.mapping: "),
        ({"current_node": "gone"}, "no node gone"),
        ({"mapping": {"n0": {"parent": "n0"}}}, "loops at its node n0"),
        ({"mapping": {"n0": {"message": {"author": {}}}}}, r"0\.mapping\.n0\.message\.author\.role: Field required"),
        ({"create_time": 1e300}, r"0\.create_time: "),
    ],
)
async def test_a_broken_tree_is_reported(other: Storage, tmp_path: Path, broken: Entry, said: str) -> None:
    with pytest.raises(ArchiveError, match=said):
        await history(other, tmp_path, [conversation(message("user", "a")) | broken])


UNREADABLE: dict[str, tuple[Entry, str]] = {
    "number": (message("user", "a", 5, 1.5), "a\n5\n1.5"),
    "list, boolean": (message("user", ["x"], "a", True), "a"),
    "text": (message("user", "a", {"content_type": 7, "text": ["x"]}), "a\n[something]"),
    "time": (message("user", "a") | {"create_time": "yesterday"}, "a"),
    "time out of range": (message("user", "a", at=1e300), "a"),
    "weight": (message("user", "a", weight="heavy", recipient=5, channel=[]), "a"),
    "metadata": (message("user", "a", metadata=[]), "a"),
    "attachments": (
        message("user", "a", metadata={"attachments": [3, {"name": 4}, {"name": "b.pdf"}]}),
        "[file: b.pdf]\na",
    ),
}


@pytest.mark.parametrize(("entry", "content"), UNREADABLE.values(), ids=UNREADABLE)
async def test_unreadable_details_refuse_no_message(other: Storage, tmp_path: Path, entry: Entry, content: str) -> None:
    chat = await history(
        other, tmp_path, [conversation(entry, message("assistant", "fine"), title=None) | {"title": 5}]
    )
    assert [turn.content.partition("] ")[2] or turn.content for turn in chat.turns] == [content, "fine"]


ODD = {
    "empty": conversation(title="Odd", name="c9", mapping={}),
    "part": conversation(message("user", {"content_type": None}), title="Odd", name="c9"),
    "no content": conversation({**message("user", "x"), "content": None}, title="Odd", name="c9"),
    "time": conversation({**message("user", "x"), "create_time": -1.0}, title="Odd", name="c9"),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_an_odd_conversation_is_in_nobodys_way(other: Storage, tmp_path: Path, odd: object) -> None:
    good = conversation(message("user", "a \ud83d"), message("assistant", "b"))
    await imported(other, json.dumps([odd, good]), tmp_path, ImportOptions(HOME, ("c1",)))
    [turn, _] = (await other.archive.read(HOME)).turns  # type: ignore[union-attr]
    assert turn.content.endswith("a \ufffd")
