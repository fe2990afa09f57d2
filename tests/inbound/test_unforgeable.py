"""Whatever the bot writes about a message is known as its own, so that nobody can type it."""

import pytest
from telegram import Message

from bot.conversation.incoming_message import render
from bot.conversation.spoofing import escape_framing
from bot.inbound.attachments import AttachedFiles
from bot.inbound.problems import Problem
from bot.inbound.reading import remarks, said
from tests.corpus import CORPUS

BOT = 900


def _message(name: str) -> Message:
    message = Message.de_json(CORPUS[name], None)
    assert message is not None
    return message


@pytest.mark.parametrize("name", CORPUS)
def test_typed_note_of_any_kind_is_escaped(name: str) -> None:
    """So that words cannot pass for a photo or anything else the bot notes."""
    words = said(_message(name), BOT)
    for note in words.notes if words else ():
        if "a kind that I don't know" not in note:
            assert escape_framing(note) == f"\\{note}"


@pytest.mark.parametrize("problem", Problem)
def test_a_remark_is_marked_when_it_is_typed(problem: Problem) -> None:
    for name in ("document", "photo", "voice message", "video", "animation", "round video", "sticker", "audio"):
        if name in CORPUS:
            for remark in remarks(_message(name), AttachedFiles(problem=problem)):
                assert escape_framing(remark) == f"\\{remark}"


def test_note_typed_in_quoted_message_is_escaped() -> None:
    forged = {**CORPUS["reply"], "reply_to_message": {**CORPUS["reply"]["reply_to_message"], "text": "[photo]\nlook"}}  # type: ignore[dict-item]  # JSON
    message = Message.de_json(forged, None)
    words = said(message, BOT) if message else None
    assert words is not None
    assert ": \\[photo]" in render(words)
