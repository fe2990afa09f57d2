"""Whatever the model writes arrives whole, on every server and through every trouble."""

import random
import re

import pytest

from sandbox.botapi import Chat
from sandbox.model import Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.selection import first

PIECES = (
    "# A heading mark{n}",
    "Some **bold mark{n}**, some *italic*, some `code` and a [link{n}](https://example.org/{n}).",
    "- item mark{n}\n  - nested {n}\n    1. deeper {n}\n- [x] done {n}",
    "| name | value |\n|---|---|\n| mark{n} | cell{n} |\n| other{n} | last{n} |",
    "```python\ndef function_{n}(x):\n    return x < {n} & 7  # mark{n} <b>not bold</b>\n```",
    "> a quote mark{n}\n> over two lines",
    "你好,世界 mark{n} — Привет 😀👩‍👩‍👧 {n}",
    "a < b && c > d, <script>alert({n})</script>, 5 * 3 * 2, snake_case_{n}, $x_{n}$ mark{n}",
)

TABLE = "# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |"


def _document(length: int) -> tuple[str, list[str]]:
    dice = random.Random(7)
    blocks: list[str] = []
    while sum(map(len, blocks)) < length:
        blocks.append(dice.choice(PIECES).format(n=len(blocks)))
    return "\n\n".join(blocks), [f"mark{number}" for number in range(len(blocks))]


def _text(chat: Chat) -> str:
    return "\n".join(message.html or message.text for message in chat.replies)


@pytest.mark.parametrize("telegram_version", first(["10.1", "9.3", "9.2"]))
async def test_long_markdown_arrives_whole_and_in_order(stage: Stage) -> None:
    document, marks = _document(40_000)
    stage.model.script(Say(document, chunk=200))
    await stage.start()
    await stage.ann.say(stage.home, "write a book")
    await stage.telegram.changed(lambda: re.findall(r"mark\d+", _text(stage.home))[-1:] == marks[-1:], 50)
    arrived = _text(stage.home)
    assert re.findall(r"mark\d+", arrived) == marks
    for kind in (r"link\d+", r"nested \d+", r"deeper \d+", r"cell\d+", r"function_\d+", r"alert\(\d+\)", "世界"):
        assert re.findall(kind, arrived) == re.findall(kind, document)
    assert "<script>" not in "".join(message.html or "" for message in stage.home.replies)


@pytest.mark.parametrize("telegram_version", ["9.3", "9.2"])
async def test_an_old_server_gets_text_with_entities(stage: Stage) -> None:
    stage.model.script(Say("This is **bold** and `code`."))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    assert await stage.replies(1) == ["This is bold and code."]
    entities = [(entity.type, entity.offset) for entity in stage.home.replies[0].entities]
    assert entities == [("bold", 8), ("code", 17)]
    refused = [call for call in stage.telegram.calls if call.method == "sendRichMessage" and not call.ok]
    assert len(refused) <= 1


@pytest.mark.parametrize("source", ["This is **bold**.", TABLE])
async def test_rich_message_is_sent_only_when_needed(stage: Stage, source: str) -> None:
    """Plain formatted text is preferred wherever it can show the answer."""
    stage.model.script(Say(source, delay=0.1))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    await stage.replies(1)
    assert (stage.home.replies[0].html is not None) == (source is TABLE)
    assert not [call for call in stage.telegram.calls if call.method == "sendRichMessageDraft"]
    assert [call for call in stage.telegram.calls if call.method == "sendMessageDraft"]


async def test_in_a_group_the_text_becomes_rich(stage: Stage) -> None:
    group = stage.telegram.group("Friends", [stage.ann])
    stage.model.script(Say("So many words. " * 20 + f"\n\n{TABLE}", delay=0.02))
    await stage.start(GROUP_TRIGGER="always")
    await stage.ann.say(group, "hello")
    await stage.telegram.changed(lambda: bool(group.replies) and group.replies[0].html is not None, PATIENCE_S)
    assert len(group.replies) == 1
    assert not [call for call in stage.telegram.calls if call.method == "sendRichMessage"]


async def test_text_is_text_on_every_server(stage: Stage) -> None:
    stage.model.script(Say(TABLE))
    await stage.start(REPLY_FORMAT="text")
    await stage.ann.say(stage.home, "hello")
    assert await stage.replies(1) == ["Title\n\na | b\n--+--\n1 | 2"]
    assert not [call for call in stage.telegram.calls if "Rich" in call.method]


async def test_a_new_server_gets_a_rich_message(stage: Stage) -> None:
    stage.model.script(Say(TABLE))
    await stage.start(REPLY_FORMAT="rich")
    await stage.ann.say(stage.home, "hello")
    await stage.replies(1)
    html = stage.home.replies[0].html or ""
    assert "<h1>Title</h1>" in html
    assert "<table>" in html


async def test_a_refused_formatting_arrives_as_plain_text(stage: Stage) -> None:
    stage.telegram.faults.add("sendRichMessage", description="Bad Request: can't parse rich message")
    stage.telegram.faults.add(
        "sendMessage", when=lambda params: bool(params.get("entities")), description="Bad Request: can't parse entities"
    )
    stage.model.script(Say("This is **bold**."))
    await stage.start(REPLY_FORMAT="rich")
    await stage.ann.say(stage.home, "hello")
    assert await stage.replies(1) == ["This is **bold**."]


async def test_flood_limit_delays_but_keeps_the_answer(stage: Stage) -> None:
    stage.telegram.faults.add("sendMessage", retry_after=2)
    stage.model.script(Say("worth waiting for"))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    assert await stage.replies(1) == ["worth waiting for"]


@pytest.mark.long
async def test_the_flood_limits_of_a_group_are_kept(stage: Stage) -> None:
    group = stage.telegram.group("Friends", [stage.ann])
    stage.telegram.flood_limits = True
    stage.model.script(Say(" ".join(["word"] * 100), delay=0.1))
    await stage.start(GROUP_TRIGGER="always")
    await stage.ann.say(group, "hello")
    await stage.telegram.changed(
        lambda: bool(group.replies) and group.replies[0].text.split() == ["word"] * 100, PATIENCE_S
    )
    assert [call for call in stage.telegram.calls if call.code == 429] == []
    assert len(group.replies) == 1


async def test_a_lost_connection_to_telegram_is_waited_out(stage: Stage) -> None:
    stage.telegram.faults.add("sendMessage", drop="before", times=2)
    stage.model.script(Say("here I am"))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    assert await stage.replies(1) == ["here I am"]


async def test_blocked_bot_sends_nothing_more(process: Stage) -> None:
    bob = process.telegram.user("Bob")
    bobs = process.telegram.private(bob)
    await process.start()
    await process.ann.say(process.home, "hello")
    await process.ann.block()
    await bob.say(bobs, "hello")
    await process.replies(1, bobs)
    await process.telegram.wait_call("sendMessage", lambda call: call.code == 403, PATIENCE_S)
    await bob.say(bobs, "more")
    await process.replies(2, bobs)
    await process.kill()
    calls = len(process.telegram.calls)
    await process.start()
    await bob.say(bobs, "again")
    await process.replies(3, bobs)
    later = process.telegram.calls[calls:]
    assert not [call for call in later if call.params.get("chat_id") == process.home.id]


async def test_the_typing_action_shows_while_nothing_else_does(stage: Stage) -> None:
    stage.model.script(Say("an answer", delay=0.5))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    typing = await stage.telegram.wait_call("sendChatAction", timeout=PATIENCE_S)
    assert typing.params["action"] == "typing"
    await stage.replies(1)


@pytest.mark.parametrize("reply_format", first(["auto", "rich"]))
async def test_reasoning_is_shown_as_thinking_and_never_stored(stage: Stage, reply_format: str) -> None:
    stage.model.script(Say("42", reasoning="let me compute this " * 20, delay=0.05), Say("done"))
    await stage.start(REPLY_FORMAT=reply_format)
    await stage.ann.say(stage.home, "hello")
    method = "sendRichMessageDraft" if reply_format == "rich" else "sendMessageDraft"
    thinking = await stage.telegram.wait_call(method, timeout=PATIENCE_S)
    assert (
        "tg-thinking" in str(thinking.params["rich_message"])
        if reply_format == "rich"
        else not thinking.params.get("text")
    )
    assert await stage.replies(1) == ["42"]
    await stage.ann.say(stage.home, "more")
    await stage.replies(2)
    assert b"compute" not in stage.model.requests[-1].body
