"""Answers are ended from the chat, whenever the word comes."""

from typing import Any, cast

import pytest

from bot.conversation.generation import AnswerHandle, Interruption
from bot.handlers.cancellation import Cancellations, RunningAnswer
from storage import Storage
from storage.chats import Chats
from storage.records import ChatKey

HOME = ChatKey(5)


async def test_an_answer_that_begins_meanwhile_is_stopped(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    endings, control, find = Cancellations(storage), AnswerHandle(), Chats.find
    answer = endings.open_to(HOME, RunningAnswer(1, control, cast("Any", None), ()))

    async def begins(self: Chats, place: ChatKey) -> Any:
        answer.__enter__()
        return await find(self, place)

    monkeypatch.setattr(Chats, "find", begins)
    assert await endings.stop(HOME, (7,))
    assert (control.ending, control.update_ids) == (Interruption.STOPPED, (7,))
