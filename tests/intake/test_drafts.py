"""The update of the button beside a draft."""

import json

import pytest
from telegram import Bot, Update

from bot.updates.parsing import UpdateKind, parse
from bot.updates.raw_updates import STOPPED, stopped_draft
from storage.inbox import RawUpdate
from storage.records import ChatKey

CHAT = {"id": 7, "type": "private"}


@pytest.mark.parametrize(
    ("told", "stopped"),
    [
        ({"chat": CHAT, "draft_id": 3}, (ChatKey(7), 3)),
        ({"chat": CHAT, "draft_id": 3, "message_thread_id": 5}, (ChatKey(7, 5), 3)),
        ({"chat": {}, "draft_id": 3}, None),
        ({"chat": CHAT, "draft_id": "3"}, None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_a_stopped_draft_is_read_or_passed_over(told: object, stopped: object) -> None:
    raw = json.dumps({"update_id": 1, STOPPED: told})
    update = Update.de_json(json.loads(raw), None)
    assert stopped_draft(update) == stopped
    assert (parse(RawUpdate(1, raw), Bot("1:x")).kind is UpdateKind.STOP) == (stopped is not None)
