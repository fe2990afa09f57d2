"""The buttons under answers."""

from bot.handlers.callbacks import (
    CancelQuestionButton,
    ConfirmForgetButton,
    ContinueButton,
    DropBroadcastButton,
    EarlierMemoryButton,
    KeepButton,
    MemoryThenButton,
    RestoreMemoryButton,
    RetryButton,
    SendBroadcastButton,
    StopButton,
    UndoResetButton,
)
from sandbox.model import Fail, HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import group, user_messages
from tests.e2e.owners import handled
from tests.e2e.quick import hurry as hurry


async def test_retried_answer_replaces_failure_message(stage: Stage, hurry: None) -> None:
    stage.model.script(Fail(401), Fail(402), Say("Paris"))
    await stage.start()
    await stage.ann.say(stage.home, "capital of France?")
    await stage.replies(1)
    [failure] = stage.home.replies
    await stage.ann.press(failure, "Try again")
    await stage.home.wait(lambda chat: "credit" in chat.replies[0].text, PATIENCE_S)
    await stage.ann.press(stage.home.replies[0], "Try again")
    await stage.home.wait(lambda chat: chat.replies[0].text == "Paris", PATIENCE_S)
    assert [(message.id, message.buttons) for message in stage.home.replies] == [(failure.id, ())]
    assert user_messages(stage.model.requests[2]) == user_messages(stage.model.requests[0])


async def test_a_late_retry_does_nothing(stage: Stage, hurry: None) -> None:
    stage.model.script(Fail(401), Say("fine"))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    await stage.replies(1)
    failure = stage.home.replies[0]
    await stage.ann.say(stage.home, "hello again")
    await stage.replies(2)
    await stage.ann.press(failure, "Try again")
    await stage.telegram.wait_call("answerCallbackQuery", timeout=PATIENCE_S)
    assert len(stage.model.requests) == 2


async def test_no_number_in_a_press_is_too_long(stage: Stage, hurry: None) -> None:
    stage.model.always(Say("fine"))
    await stage.start(OWNER_IDS=str(stage.ann.id))
    said = await stage.ann.say(stage.home, "hello")
    await stage.replies(1)
    buttons = (
        *(SendBroadcastButton, DropBroadcastButton, UndoResetButton, RetryButton, ContinueButton, StopButton),
        *(EarlierMemoryButton, RestoreMemoryButton, MemoryThenButton),
        *(CancelQuestionButton, ConfirmForgetButton, KeepButton),
    )
    prefixes = (*(button.prefix for button in buttons), "again:update:", "forgetpage:1:", "access:allow:")
    for data in prefixes:
        press = {
            "id": data,
            "from": {"id": stage.ann.id, "is_bot": False, "first_name": "Ann"},
            "message": {"message_id": said.id + 1, "date": said.date, "chat": {"id": stage.home.id, "type": "private"}},
            "chat_instance": "1",
            "data": f"{data}{10**30}",
        }
        stage.telegram.push_update({"callback_query": press})

    def answers() -> list[str]:
        return [str(call.params["text"]) for call in stage.telegram.calls if call.method == "answerCallbackQuery"]

    await stage.telegram.changed(lambda: len(answers()) >= len(prefixes), PATIENCE_S)
    await handled(stage)
    assert answers() == ["This button no longer works."] * len(prefixes)
    assert len(stage.home.replies) == 1


async def test_a_cut_answer_is_continued_once(stage: Stage, hurry: None) -> None:
    stage.model.script(Say("first half", finish_reason="length"), Say("second half"))
    await stage.start()
    await stage.ann.say(stage.home, "tell me all")
    await stage.replies(2)
    told = stage.home.replies[1]
    await stage.ann.press(told, "Continue")
    await stage.replies(3)
    assert stage.home.replies[2].text == "second half"
    assert user_messages(stage.model.requests[1])[-1] == "Please continue."
    await stage.home.wait(lambda chat: not chat.message(told.id).buttons, PATIENCE_S)


async def test_anybody_in_group_can_stop_an_answer(stage: Stage, hurry: None) -> None:
    hold = HoldStream(3)
    stage.model.script(Say("one two three four five", hold=hold))
    await stage.start()
    friends, [ann, bob] = group(stage, "Bob")
    await ann.say(friends, "Keepsake, count")
    await hold.reached(PATIENCE_S)
    await friends.wait(lambda chat: any(message.buttons for message in chat.replies), PATIENCE_S)
    [shown] = friends.replies
    await bob.press(shown, "Stop")
    await friends.wait(lambda chat: chat.replies[0].text.split() == ["one", "two", "three"], PATIENCE_S)
    await friends.wait(lambda chat: not chat.replies[0].buttons, PATIENCE_S)
    await stage.model.wait_abandoned(1)


async def test_finished_answer_has_no_stop_button(stage: Stage, hurry: None) -> None:
    await stage.start()
    friends, [ann] = group(stage)
    await ann.say(friends, "Keepsake, hello")
    await friends.wait(1, PATIENCE_S)
    await friends.wait(lambda chat: not chat.replies[0].buttons, PATIENCE_S)
