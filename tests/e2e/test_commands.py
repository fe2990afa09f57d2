"""The commands, as a person uses them."""

import pytest

from bot.inbound import downloads
from sandbox.model import HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.owners import query

SLOW = Say(" ".join(f"word{number}" for number in range(200)), delay=0.05)


async def test_the_command_menu_is_registered(process: Stage) -> None:
    await process.start()
    call = await process.telegram.wait_call("setMyCommands", timeout=PATIENCE_S)
    assert call.ok
    assert "export" in str(call.params["commands"])
    assert "broadcast" not in str(call.params["commands"])  # which is for owners


async def test_start_and_help_say_what_there_is(stage: Stage) -> None:
    await stage.start()
    await stage.ann.say(stage.home, "/start")
    await stage.ann.say(stage.home, "/help")
    start, helped = await stage.replies(2)
    assert "Keepsake" in start
    assert all(command in helped for command in ("/stop", "/retry", "/reset"))
    assert stage.model.requests == []


async def test_unknown_command_gets_hint_in_private_only(stage: Stage) -> None:
    """A group may have other bots, so the bot says nothing there."""
    group = stage.telegram.group("Friends", [stage.ann])
    await stage.start()
    await stage.ann.say(group, "/frobnicate")
    await stage.ann.say(stage.home, "/frobnicate")
    (hint,) = await stage.replies(1)
    assert "/help" in hint
    await stage.ann.say(group, "/help")
    (answer,) = await stage.replies(1, group)
    assert answer.startswith("Just write")
    assert stage.model.requests == []


async def test_words_that_begin_with_a_slash_are_answered(stage: Stage) -> None:
    name, group = "keepsake_sandbox_bot", stage.telegram.group("Friends", [stage.ann])
    await stage.start()
    await stage.ann.say(stage.home, "/usr/bin/python fails, why?")
    await stage.replies(1)
    assert stage.model.requests[0].last_words.endswith("/usr/bin/python fails, why?")
    called = f"/ask@{name} what is it?"
    await stage.ann.say(group, called)
    await stage.replies(1, group)
    assert stage.model.requests[1].last_words.endswith(f"Ann: {called}")
    rich = {"blocks": [{"type": "paragraph", "text": [{"type": "mention", "username": name}, " hi"]}]}
    await stage.ann.say(group, None, rich_message=rich)
    await stage.replies(2, group)


async def test_reset_empties_prompt_until_it_is_undone(stage: Stage) -> None:
    await stage.start()
    await stage.ann.say(stage.home, "remember the swordfish")
    await stage.replies(1)
    await stage.ann.say(stage.home, "/reset")
    await stage.replies(2)
    await stage.ann.say(stage.home, "what do you know?")
    await stage.replies(3)
    assert b"swordfish" not in stage.model.requests[-1].body
    await stage.ann.press(stage.home.replies[1], "Undo")
    await stage.telegram.wait_call("answerCallbackQuery", timeout=PATIENCE_S)
    await stage.telegram.changed(lambda: stage.home.replies[1].text.startswith("Undone"), PATIENCE_S)
    assert stage.home.replies[1].buttons == ()
    await stage.ann.say(stage.home, "and now?")
    await stage.replies(4)
    assert b"swordfish" in stage.model.requests[-1].body
    assert b"what do you know?" in stage.model.requests[-1].body


async def test_undo_pressed_twice_undoes_once(stage: Stage) -> None:
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    await stage.replies(1)
    await stage.ann.say(stage.home, "/reset")
    await stage.replies(2)
    message = stage.home.replies[1]
    hold = stage.telegram.faults.hold("editMessageText")
    await stage.ann.press(message, "Undo")
    await stage.ann.press(message, "Undo")
    await hold.reached(PATIENCE_S)
    hold.release()
    first = await stage.telegram.wait_call("answerCallbackQuery", timeout=PATIENCE_S)
    second = await stage.telegram.wait_call("answerCallbackQuery", lambda call: call != first, PATIENCE_S)
    assert str(first.params["text"]).startswith("Undone")
    assert "too late" in str(second.params["text"])


async def test_a_reset_of_nothing_says_so(stage: Stage) -> None:
    await stage.start()
    await stage.ann.say(stage.home, "/reset")
    assert await stage.replies(1) == ["There's nothing to forget yet."]


async def test_stop_overtakes_queued_messages_and_keeps_them(stage: Stage) -> None:
    """Messages that wait for their turn stay in the conversation."""
    stage.model.script(SLOW, Say("next"))
    await stage.start()
    await stage.ann.say(stage.home, "tell me a lot")
    await stage.telegram.changed(lambda: "word1" in (stage.home.draft.text if stage.home.draft else ""), PATIENCE_S)
    await stage.ann.say(stage.home, "this waits")
    await stage.ann.say(stage.home, "/stop")
    partial, following = await stage.replies(2)
    assert partial.startswith("word0 word1")
    assert "word199" not in partial
    assert following == "next"
    await stage.model.wait_abandoned(1)
    said = [message.content for message in stage.model.requests[-1].messages]
    assert str(said[2]).split() == partial.split()
    assert said[3] == "this waits"


async def test_stop_with_nothing_to_stop_says_so(stage: Stage) -> None:
    await stage.start()
    await stage.ann.say(stage.home, "/stop")
    assert await stage.replies(1) == ["I'm not answering anything right now."]


async def test_stop_after_a_crash_ends_what_was_owed(process: Stage) -> None:
    hold = HoldStream("headers")
    process.model.script(Say("never", hold=hold), SLOW)
    await process.start()
    await process.ann.say(process.home, "hello")
    await hold.reached(PATIENCE_S)
    await process.kill()
    await process.ann.say(process.home, "/stop")
    await process.start()
    (told,) = await process.replies(1)
    assert told == "Stopped." or told.startswith("word0")


async def test_stop_said_twice_is_answered_once(stage: Stage) -> None:
    hold = HoldStream(2)
    stage.model.script(Say("one two three four", hold=hold))
    await stage.start()
    bob = stage.telegram.user("Bob")
    delivered = stage.telegram.faults.hold("sendMessage")
    await stage.ann.say(stage.home, "hello")
    await hold.reached(PATIENCE_S)
    await stage.ann.say(stage.home, "/stop")
    await delivered.reached(PATIENCE_S)
    await stage.ann.say(stage.home, "/stop")
    await bob.say(stage.telegram.private(bob), "/help")  # by the time that is answered, what came before it was heard
    await stage.replies(1, stage.telegram.private(bob))
    delivered.release()
    (partial,) = await stage.replies(1)
    assert partial.split() == ["one", "two"]
    await stage.ann.say(stage.home, "/help")
    assert (await stage.replies(2))[1].startswith("Just write")
    assert not query(stage, "SELECT 1 FROM inbox WHERE state = 'new'")


async def test_missing_photo_is_reported_and_caption_answered(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PAUSE_S", 0.01)
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 90, "height": 90, "file_size": 1000}]
    hold = HoldStream("finish")
    stage.model.script(Say("one", hold=hold), Say("two"))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    await hold.reached(PATIENCE_S)
    await stage.ann.say(stage.home, "what is this?")
    await stage.ann.say(stage.home, None, photo=photo)
    await stage.fetched()
    hold.release()
    one, told, two = await stage.replies(3)
    assert (one, two) == ("one", "two")
    assert "didn't give me that file" in told


async def test_retry_replaces_answer_in_chat_and_prompt(stage: Stage) -> None:
    stage.model.script(Say("first try"), Say("second try"), Say("more"))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    await stage.replies(1)
    old = stage.home.replies[0]
    await stage.ann.say(stage.home, "/retry")
    await stage.telegram.changed(lambda: stage.home.message(old.id).deleted, PATIENCE_S)
    assert [message.text for message in stage.home.replies] == ["second try"]
    assert stage.model.requests[1].messages == stage.model.requests[0].messages
    await stage.ann.say(stage.home, "go on")
    await stage.replies(2)
    assert [message.content for message in stage.model.requests[2].messages[2:]] == ["second try", "go on"]


async def test_a_retry_with_nothing_to_retry_says_so(stage: Stage) -> None:
    await stage.start()
    await stage.ann.say(stage.home, "/retry")
    assert await stage.replies(1) == ["There's no message to answer again yet."]


async def test_unavailable_file_is_reported_without_model_request(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "PAUSE_S", 0.01)
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 90, "height": 90, "file_size": 1000}]
    await stage.start()
    await stage.ann.say(stage.home, None, photo=photo)
    (told,) = await stage.replies(1)
    assert "didn't give me that file" in told
    assert stage.model.requests == []
