"""The words of rich messages, which python-telegram-bot does not know."""

import pytest
from telegram import Message

from bot.inbound.quotes import text_of
from bot.inbound.rich_messages import calls, words_of
from sandbox.botapi.wire import Json
from tests.corpus import CORPUS
from tests.corpus.words import CALLS, RICH


def test_each_block_is_a_line_without_loss() -> None:
    assert words_of(RICH).splitlines() == [
        "A rich heading",
        "Plain, bolditalicunderlinestrikethroughspoilersubscriptsuperscriptmarkedx = 1noonBob👍a^2"
        "menu (https://menu.example)a@b.example+414242@bob#tea$CHF/helpupa note1[button Vote]new",
        "print(1)",
        "e = mc^2",
        "1. said in earnest",
        "done: said in earnest",
        "said in earnest",
        "— Bob",
        "pulled",
        "— Bob",
        "[photo]",
        "a caption",
        "— by Ann",
        "[video]",
        "a caption",
        "— by Ann",
        "Tea | Price",
        "Green | 12",
        "Prices",
        "More",
        "said in earnest",
        *(line for kind in ("map", "photo", "video", "animation", "audio", "voice note") for line in _media(kind)),
        *_media("document"),
        "a long quote",
        "— Eve",
        "[button Buy 👍] [button Sold out]",
        "the end",
        "whatever comes",
    ]


def _media(kind: str) -> tuple[str, str, str]:
    return f"[{kind}]", "a caption", "— by Ann"


@pytest.mark.parametrize("block", CALLS.values(), ids=CALLS)
def test_whoever_is_called_in_any_block_is_found(block: Json) -> None:
    assert "@bob" in set(calls({"blocks": [block]}))


def test_code_keeps_its_lines() -> None:
    assert words_of({"blocks": [{"type": "pre", "text": "if x:\n    y()"}]}) == "if x:\n    y()"


@pytest.mark.parametrize(
    "rich",
    [
        None,
        "text",
        7,
        [],
        {},
        {"blocks": "text"},
        {"blocks": [None, 7, [], "x", {"type": "list", "items": {"blocks": 3}}, {"cells": [1, [None]], "text": {}}]},
    ],
)
def test_what_looks_otherwise_is_passed_over(rich: object) -> None:
    assert words_of(rich) == ""


def test_a_message_speaks_with_its_rich_words() -> None:
    message = Message.de_json(CORPUS["rich message"], None)
    assert message is not None
    assert text_of(message).startswith("A rich heading\nPlain, bold")
