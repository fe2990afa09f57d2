"""The same conversations through the three interfaces, each with its own client and wire form, end alike.

What a server says of a failure is worded as each interface words it; what the user reads, what is kept, and what the
next request is made of must not show through which of them it went.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from bot import app
from bot.conversation import tokens
from bot.media.sound import voice_note
from sandbox.botapi import Chat, Message, User  # noqa: TC001 - as everywhere in these tests
from tests.e2e import tables
from tests.e2e.conftest import PATIENCE_S, MakeDatabase, Resident, Stage, no_menu, open_stage, vocabulary
from tests.e2e.conversations import BRIEF, FAILURES, LONG, PLAIN, REAL, Conversation, Step
from tests.e2e.quick import hurry as hurry
from tests.media.files import picture, samples

pytestmark = pytest.mark.usefixtures("no_retries")

APIS = ("chat", "responses", "dashscope")
STAMP = re.compile(r"\[\w{3} \d{4}-\d\d-\d\d \d\d:\d\d\] ")


@dataclass(frozen=True)
class Outcome:
    """How a conversation ended."""

    shown: list[str]
    turns: list[tuple[str, str, str]]
    prompts: list[list[tuple[str, str, int]]]


class Actor:
    """Ann in a chat of her own."""

    def __init__(self, stage: Stage, number: int, name: str) -> None:
        self._name = name
        self._stage = stage
        self._ann: User = stage.telegram.user("Ann", 1000 + number)
        self.home: Chat = stage.telegram.private(self._ann)
        self._first: Message | None = None

    async def act(self, step: Step) -> None:
        if step.edits_first:
            assert self._first is not None
            await self._ann.edit(self._first, step.said)
        elif step.picture:
            await self._ann.photo(self.home, picture(64, 64), step.said)
        elif step.voice:
            await self._ann.voice(self.home, voice_note(samples(0.3)), 1)
        else:
            message = await self._ann.say(self.home, step.said)
            self._first = self._first or message
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not self._settled(step.replies):  # noqa: ASYNC110 - what is waited for stands in a database
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"{self._name}: {step} ended in {[message.text[:200] for message in self.home.replies]}")

    def _settled(self, replies: int) -> bool:
        fetched = self._stage.telegram.pending_updates == 0
        return fetched and len(self.home.replies) == replies and not self._open()

    def _open(self) -> bool:
        [[updates]] = tables.read(self._stage, "SELECT count(*) FROM inbox WHERE state = 'new'")
        [[turns]] = tables.read(
            self._stage, "SELECT count(*) FROM turns WHERE state IN ('waiting', 'streaming', 'complete', 'replaced')"
        )
        return bool(updates or turns)

    def outcome(self, asked: int) -> Outcome:
        rows = tables.read(
            self._stage,
            "SELECT role, state, content FROM turns JOIN chats ON chats.id = chat_id"
            " WHERE telegram_id = ? ORDER BY turns.id",
            self.home.id,
        )
        return Outcome(
            shown=[message.text for message in self.home.replies],
            turns=[(role, state, STAMP.sub("", content)) for role, state, content in rows],
            prompts=[
                [(one.role, STAMP.sub("", one.text), len(one.media)) for one in request.messages]
                for request in self._stage.model.requests[asked:]
            ],
        )


async def _talk(stage: Stage, api: str, conversations: Mapping[str, Conversation]) -> dict[str, Outcome]:
    outcomes = {}
    for number, (name, conversation) in enumerate(conversations.items()):
        asked = len(stage.model.requests)
        stage.model.script(*conversation.behaviours(api))
        stage.model.transcriptions.script(*conversation.heard)
        actor = Actor(stage, number, f"{name} ({api})")
        for step in conversation.steps:
            await actor.act(step)
        assert not stage.model._script, name
        outcomes[name] = actor.outcome(asked)
    return outcomes


def _kept(outcomes: dict[str, Outcome]) -> dict[str, list[str]]:
    return {
        name: [content for role, _, content in outcome.turns if role == "assistant"]
        for name, outcome in outcomes.items()
    }


def _check_plain(outcomes: dict[str, Outcome]) -> None:
    """What is equal is also right: nothing thought is kept, and every answer is."""
    kept = _kept(outcomes)
    assert kept["thinking"] == kept["thinking in tags"] == ["Because.", "So."]
    assert kept["long"] == [LONG, "the end"]
    assert kept["emoji"] == ["😀 👨‍👩‍👧 ok"]
    assert outcomes["image"].prompts[0][-1][2] == 1
    assert outcomes["audio"].shown[0] == "when does it leave?"
    failures = {name: outcome.shown[0] for name, outcome in outcomes.items() if kept[name] == ["hi at last"]}
    assert len(failures) == FAILURES
    assert len(set(failures.values())) == FAILURES - 2  # two ways to be cut, and two of trouble


def _check_real(outcomes: dict[str, Outcome]) -> None:
    """An answer in an odd form is that answer, and what is wrong is told as it is."""
    kept = _kept(outcomes)
    hello = [name for name, conversation in REAL.items() if len(conversation.steps) == 1 and kept[name]]
    assert {name: kept[name] for name in hello if kept[name] != ["Hello there"]} == {"half a character": ["Hi 😀"]}
    assert len(hello) == 9
    told = {name: outcome.shown[0] for name, outcome in outcomes.items() if kept[name] == ["hi at last"]}
    assert len(told) == 6
    assert len(set(told.values())) == 5  # two ways of trouble
    assert outcomes["one refused message"].prompts[-1][-1][1] == "2+2?"
    assert "bad word" not in str(outcomes["one refused message"].prompts[-1])
    assert kept["one refused message"] == ["Hi.", "4"]
    assert kept["a function"][-1] == "So."
    assert kept["blind, told by 500"] == ["Hm.", "So."]
    assert [media for *_, media in outcomes["blind, told by 500"].prompts[-1]] == [0] * 4


@pytest.mark.parametrize(
    ("conversations", "check"),
    [
        pytest.param(BRIEF, lambda _: None, id="some"),
        pytest.param(PLAIN, _check_plain, id="plain", marks=pytest.mark.long),
        pytest.param(REAL, _check_real, id="real", marks=pytest.mark.long),
    ],
)
async def test_the_same_conversations_end_alike_through_every_interface(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_database: MakeDatabase,
    hurry: None,
    conversations: Mapping[str, Conversation],
    check: Callable[[dict[str, Outcome]], None],
) -> None:
    monkeypatch.setattr(tokens, "qwen_encoding", vocabulary)
    monkeypatch.setattr(app, "register_menu", no_menu)
    outcomes = {}
    for api in APIS:
        folder = tmp_path / api
        folder.mkdir()
        url, make_bot = await make_database(folder), partial(Resident, folder, monkeypatch)
        async with open_stage(folder, url, "10.1", make_bot) as stage:
            await stage.start(
                LLM_API=api,
                OPENAI_MODEL="qwen-plus",
                VISION_MODEL="qwen3-vl-plus",
                TRANSCRIPTION_MODEL="whisper-1",
                TOOLS="on",
                MODEL_TIMEOUT="1" if "no answer in time" in conversations else "60",
            )
            outcomes[api] = await _talk(stage, api, conversations)
            assert {request.api for request in stage.model.requests} == {api}
            await stage.end()
    for api in APIS[1:]:
        different = [name for name in conversations if outcomes[api][name] != outcomes["chat"][name]]
        assert not different, (outcomes[api][different[0]], outcomes["chat"][different[0]], different)
    check(outcomes["chat"])
