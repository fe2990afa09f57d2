"""/stop ends what comes before an answer: a summary, a recording that is written down, a file that is read."""

import asyncio
from contextlib import AbstractContextManager

import pytest

from bot.conversation import window
from bot.conversation.answer import AnswerInFlight
from bot.conversation.compaction import Compactor
from bot.conversation.maintenance import Maintenance
from bot.conversation.window import MediaBudget
from bot.handlers.cancellation import Cancellations
from bot.handlers.export_command import ExportHandlers
from bot.inbound.reading import MessageReader
from bot.outbound import flood_control
from sandbox.model import Hang, Say
from storage import Transaction
from storage.records import ChatKey
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.owners import query
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import say
from tests.media.files import picture
from tests.selection import first


async def test_a_summary_can_be_stopped(stage: Stage) -> None:
    stage.model.script(Say("Noted."), Hang(), Say("Still here."))
    await stage.start()
    await say(stage, "My slate is called Ben.")
    await stage.ann.say(stage.home, "/summary")
    await stage.model.wait_requests(2, PATIENCE_S)
    assert await say(stage, "/stop") == "Stopped."
    assert await say(stage, "Are you there?") == "Still here."
    assert len(stage.home.replies) == 3


async def test_the_reading_of_a_file_can_be_stopped(stage: Stage) -> None:
    begun = asyncio.Event()

    async def reads_for_ever(*_: object, **__: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    stage.model.answer_with(lambda _: Say("Noted."))
    await stage.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MessageReader, "read", reads_for_ever)
        await stage.ann.document(stage.home, b"words", "a.txt", caption="What is this about?")
        async with asyncio.timeout(PATIENCE_S):
            await begun.wait()
        assert await say(stage, "/stop") == "Stopped."
    assert await say(stage, "Never mind.") == "Noted."
    assert "What is this about?" in str(stage.model.requests[-1].messages)


async def test_wait_for_room_for_pictures_can_be_stopped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    waits, take = asyncio.Event(), MediaBudget.take

    async def noted(self: MediaBudget, size: int) -> None:
        waits.set()
        await take(self, size)

    monkeypatch.setattr(window, "SMALL", 0)
    monkeypatch.setattr(window, "MOST", 1)
    stage.model.script(Hang(), Say("Both seen."))
    await stage.start()
    bob = stage.telegram.user("Bob")
    his = stage.telegram.private(bob)
    await bob.photo(his, picture(), "And this?")
    await stage.model.wait_requests(1, PATIENCE_S)
    monkeypatch.setattr(MediaBudget, "take", noted)
    await stage.ann.photo(stage.home, picture(), "What is this?")
    async with asyncio.timeout(PATIENCE_S):
        await waits.wait()
    assert await say(stage, "/stop") == "Stopped."
    assert len(stage.model.requests) == 1
    await bob.say(his, "/stop")
    await his.wait(1, PATIENCE_S)
    assert await say(stage, "Never mind.") == "Both seen."


async def test_exports_compactions_and_edits_can_be_stopped(stage: Stage) -> None:
    begun = asyncio.Event()

    async def for_ever(*_: object, **__: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def stopped() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await begun.wait()
        begun.clear()
        assert await say(stage, "/stop") == "Stopped."

    stage.model.answer_with(lambda _: Say("Noted."))
    await stage.start()
    said = await stage.ann.say(stage.home, "My slate is called Ben.")
    await stage.replies(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExportHandlers, "_export", for_ever)
        await stage.ann.say(stage.home, "/export json")
        await stopped()
        await say(stage, "/memory")
        patch.setattr(Compactor, "compact", for_ever)
        await stage.ann.press(stage.home.replies[-1], "Compact now")
        await stopped()
        patch.setattr(MessageReader, "read", for_ever)
        await stage.ann.edit(said, "My slate is called Bob.")
        await stopped()
    assert await say(stage, "/stop") == "I'm not answering anything right now."
    assert await say(stage, "Never mind.") == "Noted."
    assert "called Bob" in str(stage.model.requests[-1].messages)
    assert len(stage.model.requests) == 2


@pytest.mark.parametrize("way", first(["forward", "paste", "words"]))
async def test_what_is_about_to_be_answered_is_stopped(stage: Stage, way: str) -> None:
    stage.model.answer_with(lambda _: Say("Noted."))
    await stage.start()
    await say(stage, "hello")
    if way == "forward":
        await stage.ann.forward(stage.home, "What is this?", "Bob")
    else:
        await stage.ann.say(stage.home, "What is this? " * (400 if way == "paste" else 1))
    assert await say(stage, "/stop") == "Stopped."
    assert await say(stage, "Never mind.") == "Noted."
    assert len(stage.home.replies) == 3
    assert "What is this?" in str(stage.model.requests[-1].messages)
    assert len(stage.model.requests) == 2


async def test_what_waited_when_stop_came_is_stopped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping, taken_up = asyncio.Event(), asyncio.Event()
    look_after, stop_sending, asking = Maintenance.look_after, Cancellations.stop_sending, Cancellations.asking

    async def looks_after_late(self: Maintenance, chat_id: int, answer: AnswerInFlight | None) -> None:
        if stopping.is_set():
            await look_after(self, chat_id, answer)
        await stopping.wait()  # this one writes nothing, because /stop has the transaction

    async def stops_sending_late(self: Cancellations, tx: Transaction, key: ChatKey) -> bool:
        stopping.set()
        await taken_up.wait()
        return await stop_sending(self, tx, key)

    def asks(self: Cancellations, key: ChatKey) -> AbstractContextManager[None]:
        if stopping.is_set():
            taken_up.set()
        return asking(self, key)

    stage.model.answer_with(lambda _: Say("Noted."))
    await stage.start()
    monkeypatch.setattr(Maintenance, "look_after", looks_after_late)
    monkeypatch.setattr(Cancellations, "stop_sending", stops_sending_late)
    monkeypatch.setattr(Cancellations, "asking", asks)
    await say(stage, "hello")
    await stage.ann.say(stage.home, "What is this?")
    assert await say(stage, "/stop") == "Stopped."
    assert await say(stage, "Never mind.") == "Noted."
    assert "What is this?" in str(stage.model.requests[-1].messages)
    assert len(stage.model.requests) == 2


async def test_what_waits_behind_a_stop_is_answered(stage: Stage) -> None:
    stage.model.script(Hang(), Say("Four."))
    await stage.start()
    await stage.ann.say(stage.home, "How much is one and one?")
    await stage.model.wait_requests(1, PATIENCE_S)
    await stage.ann.say(stage.home, "/help")
    await stage.ann.say(stage.home, "How much is two and two?")
    await stage.ann.say(stage.home, "/stop")
    stopped, helped, answer = await stage.replies(3)
    assert (stopped, answer) == ("Stopped.", "Four.")
    assert "/stop" in helped


@pytest.mark.parametrize("telegram_version", ["10.3"])
async def test_the_button_beside_a_draft_stops_it(stage: Stage) -> None:
    slow = Say(" ".join(f"word{number}" for number in range(200)), delay=0.05)
    stage.model.script(slow)
    await stage.start()
    await stage.ann.say(stage.home, "Tell me a long story.")
    await stage.home.wait(lambda chat: chat.draft is not None and "word3" in chat.draft.text, PATIENCE_S)
    await stage.ann.stop(stage.home)
    (answer,) = await stage.replies(1)
    assert "word3" in answer
    assert "word199" not in answer


@pytest.mark.parametrize("telegram_version", ["10.3"])
async def test_a_late_press_ends_the_delivery(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flood_control, "_PRIVATE", flood_control._Rate(spacing=0.3, burst=1))
    stage.model.script(Say("\n\n".join("words and words " * 250 for _ in range(12)), chunk=4000), Say("short"))
    await stage.start(REPLY_FORMAT="text")
    await stage.ann.say(stage.home, "Tell me a lot.")
    await stage.home.wait(1, PATIENCE_S)
    [(reply_id,)] = query(stage, "SELECT max(id) FROM turns")
    for number in (int(str(reply_id)) + 1, reply_id):
        pressed = {"chat": {"id": stage.home.id, "type": "private"}, "draft_id": number}
        stage.telegram._state.updates.push("stopped_message_generation", pressed)
    await stage.home.wait(lambda chat: chat.replies[-1].text == "Stopped.", PATIENCE_S)
    arrived = len(stage.home.replies)
    assert arrived < 9
    assert await say(stage, "And now?") == "short"


@pytest.mark.parametrize("command", ["/stop", "/reset"])
async def test_a_long_delivery_can_be_ended(stage: Stage, command: str) -> None:
    stage.model.script(Say("\n\n".join(f"part{number} {'word ' * 790}" for number in range(12))), Say("Still here."))
    await stage.start()
    await stage.ann.say(stage.home, "Tell me a lot.")
    await stage.replies(2)
    await stage.ann.say(stage.home, command)
    await stage.ann.say(stage.home, "Are you there?")
    await stage.telegram.changed(lambda: stage.home.replies[-1].text == "Still here.", PATIENCE_S)
    parts = [message for message in stage.home.replies if message.text.startswith("part")]
    assert 2 <= len(parts) <= 5
