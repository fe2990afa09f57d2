"""A message of every kind goes through the bot: it is answered, or there is a reason for silence."""

import logging
from collections.abc import Callable, Collection

import pytest
from telegram import Message

from bot.conversation.incoming_message import render
from bot.inbound.kinds import SILENT
from bot.inbound.reading import said
from bot.updates import watchdog
from tests.corpus import CORPUS
from tests.corpus.media import MEDIA
from tests.corpus.people import NOON, SUPERGROUP
from tests.corpus.words import WORDS
from tests.e2e.conftest import Stage
from tests.e2e.corpus import chat_for, send, words
from tests.e2e.quick import hurry as hurry
from tests.selection import first

ALL_S = 50.0
"""For everything in the corpus to be answered."""
OTHER_BOT = "text of another bot"
"""Other bots are answered when they call, or two of them would talk for ever."""
NEXT = "Are you there?"
ANSWER = "I am a stand-in for a model"


def _is_silent(name: str) -> bool:
    return name == OTHER_BOT or not (SILENT.keys() | {"hologram"}).isdisjoint(CORPUS[name])


def _rendered(name: str) -> str:
    message = Message.de_json(CORPUS[name], None)
    assert message is not None
    words = said(message, bot_id=1)
    assert words is not None
    return render(words)


def _warnings(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What went wrong; how fast it was depends on the machine."""
    return [
        record for record in caplog.records if record.levelno >= logging.WARNING and record.name != watchdog.__name__
    ]


async def _all(stage: Stage, happened: Callable[[], bool]) -> None:
    await stage.telegram.changed(happened, ALL_S)


def _unread(stage: Stage, names: Collection[str]) -> list[str]:
    """What no request to the model holds."""
    told = "\n".join(message.text for request in stage.model.requests for message in request.messages)
    return [name for name in names if _rendered(name) not in told]


@pytest.mark.parametrize("every", first([8, 1]))
async def test_every_message_kind_is_answered_or_ignored_deliberately(
    stage: Stage, hurry: None, caplog: pytest.LogCaptureFixture, every: int
) -> None:
    corpus = dict(list(CORPUS.items())[::every])
    assert any(map(_is_silent, corpus))
    await stage.start(GROUP_TRIGGER="always", OPENAI_MODEL="qwen3-omni-flash")
    chats = {name: chat_for(stage, number, raw) for number, (name, raw) in enumerate(corpus.items())}
    for name, raw in corpus.items():
        sent = send(stage, chats[name], raw, 1000)
        if _is_silent(name):
            send(stage, chats[name], words(sent, NEXT), 1001)
    await _all(stage, lambda: all(chat.replies for chat in chats.values()))
    answers = {name: [reply.text[: len(ANSWER)] for reply in chat.replies] for name, chat in chats.items()}
    assert answers == {name: [ANSWER] for name in corpus}
    assert _unread(stage, [name for name in corpus if not _is_silent(name)]) == []
    told = [request.messages[-1].text for request in stage.model.requests]
    assert len([text for text in told if text.endswith(NEXT)]) == len(list(filter(_is_silent, corpus)))
    assert _warnings(caplog) == []


async def test_unaddressed_message_of_any_kind_is_recorded(
    stage: Stage, hurry: None, caplog: pytest.LogCaptureFixture
) -> None:
    """It is part of the next prompt."""
    await stage.start(OPENAI_MODEL="qwen3-omni-flash", CONTEXT_WINDOW="100000")
    said_in_group = {name: raw for name, raw in CORPUS.items() if raw["chat"] == SUPERGROUP}
    chat = chat_for(stage, 0, words(CORPUS["reply"], NEXT))
    for number, raw in enumerate(said_in_group.values()):
        send(stage, chat, raw, 1000 + number)
    await _all(stage, lambda: stage.telegram.pending_updates == 0)
    send(stage, chat, words(CORPUS["reply"], f"Keepsake, {NEXT}"), 2000)
    await _all(stage, lambda: bool(chat.replies))
    assert len(stage.model.requests) == 1
    assert _unread(stage, [name for name in said_in_group if not _is_silent(name)]) == []
    assert _warnings(caplog) == []


@pytest.mark.long
async def test_edit_of_any_kind_is_answered_again(stage: Stage, hurry: None, caplog: pytest.LogCaptureFixture) -> None:
    await stage.start(GROUP_TRIGGER="always", OPENAI_MODEL="qwen3-omni-flash")
    editable = {
        name: raw for name, raw in (WORDS | MEDIA).items() if {"text", "caption"} & raw.keys() and name != OTHER_BOT
    }
    chats = {name: chat_for(stage, number, raw) for number, (name, raw) in enumerate(editable.items())}
    sent = {name: send(stage, chats[name], raw, 1000) for name, raw in editable.items()}
    await _all(stage, lambda: all(chat.replies for chat in chats.values()))
    for raw in sent.values():
        field = "text" if "text" in raw else "caption"
        stage.telegram.push_update({"edited_message": raw | {field: NEXT, "entities": [], "edit_date": NOON + 60}})
    await _all(stage, lambda: len(stage.model.requests) == 2 * len(editable))
    await _all(stage, lambda: all(NEXT in chat.replies[0].text for chat in chats.values()))
    assert {len(chat.replies) for chat in chats.values()} == {1}
    assert _warnings(caplog) == []
