"""The messages of an answer, built again from what was stored, are those that reached the model server."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC
from pathlib import Path

import pytest

from bot.conversation.past_prompt import Fidelity, PastPrompt, PastPrompts
from bot.conversation.tokens import make_counter
from bot.llm.parameters import message_param
from sandbox.botapi import Chat
from sandbox.model import Say
from sandbox.model.request import ChatRequest
from storage import Storage
from storage.records import ChatKey
from tests.conftest import ON_POSTGRES
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import group
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_forget import confirm
from tests.e2e.test_memory import NOTES, WORDS, Model, say
from tests.e2e.test_settings import choose
from tests.e2e.test_tools import ON, call
from tests.e2e.test_why import RECALLING, ZOE, asked_about_zoe
from tests.media.files import picture

ASKED = "FROM bases JOIN turns ON turns.id = reply_id JOIN chats ON chats.id = chat_id WHERE telegram_id = ?"


class Rebuilt:
    """Builds prompts again from the database of a stage's bot, which is running."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._prompts = PastPrompts(storage, "Not the system prompt that was sent.", make_counter("stand-in"), UTC)

    async def prompts(self, chat: Chat) -> list[PastPrompt]:
        """Those of all answers in a chat, oldest first."""
        found = await self._storage.chats.find(ChatKey(chat.id))
        assert found is not None
        rows = await self._storage.database.rows(f"SELECT reply_id {ASKED} ORDER BY reply_id", (chat.id,))
        made = []
        for row in rows:
            basis = await self._storage.bases.of(found, row["reply_id"])
            if basis is not None:  # an answer that was replaced is being deleted
                made.append(await self._prompts.of(found, row["reply_id"], basis))
        return made

    async def sent(self, past: PastPrompt) -> list[object]:
        """The messages as they are sent to a server."""
        return [message_param(message) for message in await self._prompts.messages(past)]

    async def compare(self, chat: Chat, requests: list[ChatRequest]) -> None:
        """The prompts of the chat's answers are these requests, byte for byte, and known to be."""
        prompts = await self.prompts(chat)
        for past, request in zip(prompts, requests, strict=True):
            assert json.dumps(await self.sent(past)) == json.dumps(sent_in(request))
            assert past.fidelity is Fidelity.EXACT


@pytest.fixture
async def rebuilt(stage: Stage) -> AsyncIterator[Callable[[], Awaitable[Rebuilt]]]:
    """Opens the database, which a bot has made by then."""
    async with AsyncExitStack() as stack:

        async def opened() -> Rebuilt:
            storage = await open_read_only(stage)
            stack.push_async_callback(storage.close)
            return Rebuilt(storage)

        yield opened


async def open_read_only(stage: Stage) -> Storage:
    """The database of a bot, which it has made by then."""
    url = stage.environment["DATABASE_URL"]
    if ON_POSTGRES:
        return await Storage.connect_read_only(url)
    return await Storage.open_read_only(Path(url.removeprefix("sqlite:///")))


Open = Callable[[], Awaitable[Rebuilt]]


def answers(stage: Stage) -> list[ChatRequest]:
    """The requests for answers, without those for notes."""
    return [request for request in stage.model.requests if "Write the notes" not in request.last_words]


async def test_recall_compaction_edit_and_persona(stage: Stage, hurry: None, rebuilt: Open) -> None:
    Model(stage)
    await stage.start(**RECALLING)
    told = await asked_about_zoe(stage)
    past = await rebuilt()
    requests = answers(stage)
    await past.compare(stage.home, requests)
    assert ZOE in requests[-1].last_words
    assert NOTES in requests[-1].messages[1].text
    await stage.ann.edit(told, f"{ZOE} and to almonds, {WORDS}")
    await choose(stage, "Persona", "Brief")
    await say(stage, "What is my sister Zoe allergic to?")
    last = (await past.prompts(stage.home))[-1]
    assert last.fidelity is Fidelity.EXACT
    assert await past.sent(last) == sent_in(stage.model.requests[-1])
    assert "edited since" in stage.model.requests[-1].last_words
    assert [one.fidelity for one in (await past.prompts(stage.home))[:-1]] == [Fidelity.CHANGED] * len(requests)


async def test_pictures_and_their_limit(stage: Stage, hurry: None, rebuilt: Open, tmp_path: Path) -> None:
    profiles = tmp_path / "profiles.toml"
    profiles.write_text("[models.stand-in]\nsees = true\nmost_images = 2\n")
    Model(stage)
    await stage.start(MODEL_PROFILES=str(profiles))
    for number in range(3):
        await stage.ann.photo(stage.home, picture(80 + number, 80), "what is this?")
        await stage.replies(number + 1)
    requests = answers(stage)
    await (await rebuilt()).compare(stage.home, requests)
    assert [sum(len(message.images) for message in one.messages) for one in requests] == [1, 2, 2]


async def test_group_and_unaddressed_talk(stage: Stage, hurry: None, rebuilt: Open) -> None:
    Model(stage)
    friends, (_, bob, cleo) = group(stage, "Bob", "Cleo")
    await stage.start()
    await bob.say(friends, "the ferry is late")
    await cleo.say(friends, "as ever")
    await stage.ann.say(friends, "@keepsake_sandbox_bot when does it come?")
    await stage.replies(1, friends)
    await bob.say(friends, "@keepsake_sandbox_bot thanks")
    await stage.replies(2, friends)
    await (await rebuilt()).compare(friends, answers(stage))
    assert "as ever" in stage.model.requests[0].messages[1].text


async def test_answer_to_edited_turn(stage: Stage, hurry: None, rebuilt: Open) -> None:
    Model(stage)
    await stage.start()
    await say(stage, "capital of France?")
    asked = await stage.ann.say(stage.home, "and of Italy?")
    await stage.replies(2)
    await stage.ann.edit(asked, "and of Spain?")
    await stage.home.wait(lambda chat: chat.replies[-1].text == "Answer 3.", PATIENCE_S)
    past = await rebuilt()
    before, *_, now = await past.prompts(stage.home)
    assert before.fidelity is Fidelity.EXACT
    assert now.fidelity is Fidelity.EXACT
    assert await past.sent(now) == sent_in(stage.model.requests[-1])


async def test_forgotten_words_leave_no_digest(stage: Stage, hurry: None, rebuilt: Open) -> None:
    Model(stage)
    await stage.start()
    await say(stage, "hello")
    await say(stage, "my boat is called Zanzibar")
    await say(stage, "/forget zanzibar")
    await confirm(stage)
    await say(stage, "and now?")
    past = await rebuilt()
    prompts = await past.prompts(stage.home)
    assert prompts[0].fidelity is Fidelity.EXACT
    assert prompts[-1].fidelity is Fidelity.EXACT
    assert await past.sent(prompts[-1]) == sent_in(stage.model.requests[-1])
    assert "anzibar" not in str([await past.sent(one) for one in prompts])
    assert {one.fidelity for one in prompts[1:-1]} <= {Fidelity.CHANGED}


async def test_retry_and_tools(stage: Stage, hurry: None, rebuilt: Open) -> None:
    stage.model.script(
        Say("Hello."), Say("Hello again."), Say("", calls=call("remember", text="Ann sails.")), Say("Noted.")
    )
    await stage.start(**ON)
    await say(stage, "hello")
    await stage.ann.say(stage.home, "/retry")
    await stage.home.wait(lambda chat: chat.replies[-1].text == "Hello again.", PATIENCE_S)
    past = await rebuilt()
    *_, retried = await past.prompts(stage.home)
    assert retried.fidelity is Fidelity.EXACT
    assert await past.sent(retried) == sent_in(stage.model.requests[1])
    await stage.ann.say(stage.home, "remember that I sail")
    await stage.home.wait(lambda chat: chat.replies[-1].text == "Noted.", PATIENCE_S)
    noted = (await past.prompts(stage.home))[-1]
    assert noted.fidelity is Fidelity.EXACT
    assert await past.sent(noted) == sent_in(stage.model.requests[2])


def sent_in(request: ChatRequest) -> list[object]:
    """The messages of a request, as they came."""
    return [json.loads(message.raw) for message in request.messages]
