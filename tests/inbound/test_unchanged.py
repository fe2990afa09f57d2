"""An edit without a change is known as one."""

import copy
from typing import Any

import pytest
from telegram import Message

from bot.inbound.unchanged import RecentMessages, digest
from tests.corpus import CORPUS


def _message(fields: Any) -> Message:
    message = Message.de_json(copy.deepcopy(fields), None)
    assert message is not None
    return message


@pytest.mark.parametrize("name", CORPUS)
def test_a_reaction_or_a_preview_changes_nothing(name: str) -> None:
    later = CORPUS[name] | {
        "edit_date": 1_900_000_000,
        "link_preview_options": {"url": "https://example.org"},
        "author_signature": "Ann",
        "reactions": {"results": []},
        "has_media_spoiler": True,
    }
    lately = RecentMessages()
    lately.record(_message(CORPUS[name]))
    if "text" in CORPUS[name] or "caption" in CORPUS[name]:
        assert lately.knows(_message(later))
    assert digest(_message(CORPUS[name])) == digest(_message(CORPUS[name] | {"edit_date": 1}))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("photo with a caption", {"caption": "another"}),
        ("voice message", {"voice": {"file_id": "x", "file_unique_id": "other", "duration": 5}}),
        ("location", {"location": {"latitude": 1.0, "longitude": 2.0}}),
        ("rich message", {"rich_message": {"blocks": [{"type": "paragraph", "text": "other"}]}}),
    ],
)
def test_other_words_and_other_files_are_a_change(name: str, change: dict[str, Any]) -> None:
    assert digest(_message(CORPUS[name])) != digest(_message(CORPUS[name] | change))


@pytest.mark.parametrize(("name", "number"), [("poll", 7), ("quiz", 3)])
def test_votes_change_no_poll_and_options_do(name: str, number: int) -> None:
    poll: Any = CORPUS[name]["poll"]
    options = [option | {"voter_count": number} for option in poll["options"]]
    voted = CORPUS[name] | {"poll": poll | {"options": options, "is_closed": True}}
    assert digest(_message(CORPUS[name])) == digest(_message(voted))
    fewer = CORPUS[name] | {"poll": poll | {"options": options[1:]}}
    assert digest(_message(CORPUS[name])) != digest(_message(fewer))
