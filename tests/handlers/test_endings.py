"""Answers are ended from the chat, whenever the word comes."""

from typing import Any, cast

import pytest

from bot.conversation.control import Control, Ending
from bot.handlers.endings import Endings, Running
from storage import Storage
from storage.chats import Chats
from storage.records import Place

HOME = Place(5)


async def test_an_answer_that_begins_meanwhile_is_stopped(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    endings, control, find = Endings(storage), Control(), Chats.find
    answer = endings.open_to(HOME, Running(1, control, cast("Any", None), ()))

    async def begins(self: Chats, place: Place) -> Any:
        answer.__enter__()
        return await find(self, place)

    monkeypatch.setattr(Chats, "find", begins)
    assert await endings.stop(HOME, (7,))
    assert (control.ending, control.update_ids) == (Ending.STOPPED, (7,))
