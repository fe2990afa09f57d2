"""The same conversations through the three interfaces, each with its own client and wire form, end alike.

What a server says of a failure is worded as each interface words it; what the user reads, what is kept, and what the
next request is made of must not show through which of them it went.
"""

import asyncio
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.llm import dashscope, openai_server
from bot.media.sound import voice_note
from sandbox.botapi import Chat, Message, User  # noqa: TC001 - as everywhere in these tests
from sandbox.model import Behaviour, Break, Cut, Fail, Hang, NoFinish, Say
from tests.e2e.conftest import PATIENCE_S, Resident, Stage, open_stage
from tests.e2e.quick import hurry as hurry
from tests.media.files import picture, samples

FAILURES = 12
"""Conversations of which /retry makes something."""
APIS = ("chat", "responses", "dashscope")
LONG = "\n\n".join(f"Chapter {number}. " + "The sea was calm that day, and nobody spoke. " * 20 for number in range(9))
STAMP = re.compile(r"\[\w{3} \d{4}-\d\d-\d\d \d\d:\d\d\] ")


@dataclass(frozen=True)
class Step:
    """Something that Ann does, and how many messages of the bot's there are afterwards."""

    said: str
    replies: int
    picture: bool = False
    voice: bool = False
    edits_first: bool = False


@dataclass(frozen=True)
class Conversation:
    """What is said, and what the server does; a failure by the interface that words it, "" for all others."""

    steps: Sequence[Step]
    script: Sequence[Behaviour | dict[str, Behaviour]]
    heard: Sequence[str] = field(default=())

    def behaviours(self, api: str) -> Iterator[Behaviour]:
        for one in self.script:
            yield one.get(api, one[""]) if isinstance(one, dict) else one


def _failing(failure: Behaviour | dict[str, Behaviour], tries: int = 1) -> Conversation:
    """A failure is told, and /retry has the answer."""
    return Conversation([Step("hello", 1), Step("/retry", 2)], [*[failure] * tries, Say("hi at last")])


CONVERSATIONS = {
    "text": Conversation([Step("hello", 1)], [Say("Hello, Ann.")]),
    "some turns": Conversation(
        [Step("I am Ann", 1), Step("I have a cat", 2), Step("who am I?", 3)], [Say("Hello."), Say("Nice."), Say("Ann.")]
    ),
    "markdown": Conversation([Step("a list", 1)], [Say("**Two**:\n\n- one\n- `two`\n")]),
    "emoji": Conversation([Step("smile", 1)], [Say("😀 👨‍👩‍👧 ok")]),
    "long": Conversation([Step("tell me", 3), Step("more", 4)], [Say(LONG, chunk=50), Say("the end")]),
    "thinking": Conversation([Step("why?", 1), Step("so?", 2)], [Say("Because.", reasoning="let me see"), Say("So.")]),
    "thinking in tags": Conversation(
        [Step("why?", 1), Step("so?", 2)], [Say("<think>let me see</think>Because."), Say("So.")]
    ),
    "image": Conversation([Step("what is it?", 1, picture=True)], [Say("A square.")]),
    "image, then words": Conversation(
        [Step("look", 1, picture=True), Step("and its colour?", 2)], [Say("A square."), Say("Red.")]
    ),
    "audio": Conversation([Step("", 2, voice=True)], [Say("At nine.")], heard=["when does it leave?"]),
    "an edit": Conversation(
        [Step("my word is red", 1), Step("my word is blue", 1, edits_first=True), Step("which?", 2)],
        [Say("Red it is."), Say("Blue it is."), Say("blue")],
    ),
    "an answer again": Conversation([Step("hello", 1), Step("/retry", 1)], [Say("Hello."), Say("Hi.")]),
    "too long for the server": Conversation([Step("tell", 2)], [Say("It was a dark and", finish_reason="length")]),
    "filtered in the middle": Conversation(
        [Step("tell", 2)],
        [
            Say("It was a dark and", finish_reason="content_filter"),
        ],
    ),
    "cut once": Conversation([Step("hello", 1)], [Cut("Hello there", after=5), Say("Hello there")]),
    "cut twice": _failing(Cut("Hello there", after=5), 2),
    "no end": _failing(NoFinish("Hello there"), 2),
    "empty": _failing(Say(""), 2),
    "broken in the stream": _failing(Break("Hello", after=2, error=Fail(500, code="server_error"))),
    "wrong key": _failing({"": Fail(401, code="invalid_api_key"), "dashscope": Fail(401)}),
    "no such model": _failing({"": Fail(404, code="model_not_found"), "dashscope": Fail(404)}),
    "arrears": _failing(
        {"": Fail(403, "account in arrears", "Arrearage"), "dashscope": Fail(400, "not in good standing", "Arrearage")}
    ),
    "rate limit": _failing({"": Fail(429, "Requests rate limit exceeded"), "dashscope": Fail(429)}),
    "content filter": _failing(
        {
            "": Fail(400, "inappropriate", code="data_inspection_failed"),
            "dashscope": Fail(400, code="DataInspectionFailed"),
        }
    ),
    "server trouble": _failing(Fail(500)),
    "no answer in time": _failing(Hang()),
    "wrong request": _failing(Fail(400, "temperature is out of range")),
    "no room": Conversation([Step("hello", 1)], [Fail(400, "Range of input length should be [1, 30720]")] * 2),
}


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
        with closing(sqlite3.connect(self._stage.folder / "keepsake.db")) as database:
            [[updates]] = database.execute("SELECT count(*) FROM inbox WHERE state = 'new'")
            [[turns]] = database.execute(
                "SELECT count(*) FROM turns WHERE state IN ('waiting', 'streaming', 'complete', 'replaced')"
            )
        return bool(updates or turns)

    def outcome(self, asked: int) -> Outcome:
        with closing(sqlite3.connect(self._stage.folder / "keepsake.db")) as database:
            rows = database.execute(
                "SELECT role, state, content FROM turns JOIN chats ON chats.id = chat_id"
                " WHERE telegram_id = ? ORDER BY turns.id",
                (self.home.id,),
            ).fetchall()
        return Outcome(
            shown=[message.text for message in self.home.replies],
            turns=[(role, state, STAMP.sub("", content)) for role, state, content in rows],
            prompts=[
                [(one.role, STAMP.sub("", one.text), len(one.media)) for one in request.messages]
                for request in self._stage.model.requests[asked:]
            ],
        )


async def _talk(stage: Stage, api: str) -> dict[str, Outcome]:
    outcomes = {}
    for number, (name, conversation) in enumerate(CONVERSATIONS.items()):
        asked = len(stage.model.requests)
        stage.model.script(*conversation.behaviours(api))
        stage.model.transcriptions.script(*conversation.heard)
        actor = Actor(stage, number, f"{name} ({api})")
        for step in conversation.steps:
            await actor.act(step)
        outcomes[name] = actor.outcome(asked)
    return outcomes


def _check_sense(outcomes: dict[str, Outcome]) -> None:
    """What is equal is also right: nothing thought is kept, and every answer is."""
    kept = {
        name: [content for role, _, content in outcome.turns if role == "assistant"]
        for name, outcome in outcomes.items()
    }
    assert kept["thinking"] == kept["thinking in tags"] == ["Because.", "So."]
    assert kept["long"] == [LONG, "the end"]
    assert kept["emoji"] == ["😀 👨‍👩‍👧 ok"]
    assert outcomes["image"].prompts[0][-1][2] == 1
    assert outcomes["audio"].shown[0] == "when does it leave?"
    failures = {name: outcome.shown[0] for name, outcome in outcomes.items() if kept[name] == ["hi at last"]}
    assert len(failures) == FAILURES
    assert len(set(failures.values())) == FAILURES - 2  # two ways to be cut, and two of trouble


@pytest.fixture(autouse=True)
def no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    for client in (openai_server, dashscope):
        monkeypatch.setattr(client, "RETRIES", 0)


@pytest.mark.long
async def test_the_same_conversations_end_alike_through_every_interface(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hurry: None
) -> None:
    outcomes = {}
    for api in APIS:
        folder = tmp_path / api
        folder.mkdir()
        async with open_stage(folder, "10.1", lambda variables: Resident(variables, monkeypatch)) as stage:
            await stage.start(
                LLM_API=api,
                OPENAI_MODEL="qwen-plus",
                VISION_MODEL="qwen3-vl-plus",
                TRANSCRIPTION_MODEL="whisper-1",
                MODEL_TIMEOUT="1",
            )
            outcomes[api] = await _talk(stage, api)
            assert {request.api for request in stage.model.requests} == {api}
            await stage.end()
    for name in CONVERSATIONS:
        assert outcomes["responses"][name] == outcomes["chat"][name], name
        assert outcomes["dashscope"][name] == outcomes["chat"][name], name
    _check_sense(outcomes["chat"])
