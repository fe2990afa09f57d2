"""Messages that people edit: the transcript follows, and the last question is answered anew."""

import asyncio
import re
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

import pytest

from sandbox.model import Fail, HoldStream, Say
from storage import StorageError, Transaction, database
from storage.inbox import Inbox
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import group, user_messages
from tests.e2e.owners import handled, query
from tests.e2e.quick import hurry as hurry
from tests.media.files import picture
from tests.selection import first


def _words(stage: Stage, request: int) -> list[str]:
    return [re.sub(r"^\[.*?\] ", "", text) for text in user_messages(stage.model.requests[request])]


async def test_edited_last_question_is_answered_in_same_message(stage: Stage, hurry: None) -> None:
    stage.model.script(Say("Paris"), Say("Rome"), Say("more"))
    await stage.start()
    asked = await stage.ann.say(stage.home, "capital of France?")
    await stage.replies(1)
    first = stage.home.replies[0]
    await stage.ann.edit(asked, "capital of Italy?")
    await stage.home.wait(lambda chat: chat.replies[0].text == "Rome", PATIENCE_S)
    assert [message.id for message in stage.home.replies] == [first.id]
    await stage.ann.say(stage.home, "thanks")
    await stage.replies(2)
    assert _words(stage, 2) == ["capital of Italy?", "thanks"]
    assert [message.content for message in stage.model.requests[2].messages if message.role == "assistant"] == ["Rome"]


async def test_edit_ends_the_answer_in_progress(stage: Stage, hurry: None) -> None:
    hold = HoldStream(3)
    stage.model.script(Say("Paris is the capital of France", hold=hold), Say("Rome"))
    await stage.start()
    asked = await stage.ann.say(stage.home, "capital of France?")
    await hold.reached(PATIENCE_S)
    await stage.ann.edit(asked, "capital of Italy?")
    assert await stage.replies(1) == ["Rome"]
    await stage.model.wait_abandoned(1)
    assert _words(stage, 1) == ["capital of Italy?"]


async def test_reaction_neither_ends_answer_nor_repeats_command(stage: Stage, hurry: None) -> None:
    """Telegram may report a reaction as an edit of the same words."""
    hold = HoldStream(3)
    stage.model.script(Say("Paris is the capital of France", hold=hold), Say("Rome"))
    await stage.start()
    asked = await stage.ann.say(stage.home, "capital of France?")
    await hold.reached(PATIENCE_S)
    await stage.ann.react(asked)
    await stage.fetched()
    hold.release()
    assert await stage.replies(1) == ["Paris is the capital of France"]
    await stage.ann.say(stage.home, "/reset")
    await stage.replies(2)
    await stage.ann.react(asked)
    await stage.ann.say(stage.home, "hello")
    assert (await stage.replies(3))[2] == "Rome"
    assert _words(stage, 1) == ["hello"]


async def test_edited_older_message_updates_prompt_and_search_only(stage: Stage, hurry: None) -> None:
    """It is not answered again."""
    stage.model.script(Say("nice"), Say("oh"), Say("well"))
    await stage.start()
    old = await stage.ann.say(stage.home, "my boat is green")
    await stage.replies(1)
    await stage.ann.say(stage.home, "hello")
    await stage.replies(2)
    await stage.ann.edit(old, "my yacht is green")
    await stage.fetched()
    await stage.ann.say(stage.home, "what now?")
    await stage.replies(3)
    assert len(stage.model.requests) == 3
    assert _words(stage, 2) == ["my yacht is green", "hello", "what now?"]
    assert stage.model.requests[2].messages[2:4] == stage.model.requests[1].messages[2:4]
    await stage.ann.say(stage.home, "/search boat")
    await stage.ann.say(stage.home, "/search yacht")
    no, yes = (await stage.replies(5))[3:]
    assert "can't find anything" in no
    assert "my yacht is green" in yes


async def test_edit_without_a_change_is_ignored(stage: Stage, hurry: None) -> None:
    await stage.start()
    asked = await stage.ann.say(stage.home, "hello")
    await stage.replies(1)
    await stage.ann.edit(asked, "hello")
    await stage.fetched()
    await stage.ann.say(stage.home, "/memory")
    await stage.replies(2)
    assert len(stage.model.requests) == 1


async def test_failed_new_answer_leaves_the_old_one(stage: Stage, hurry: None) -> None:
    stage.model.script(Say("Paris"), Fail(401), Say("more"))
    await stage.start()
    asked = await stage.ann.say(stage.home, "capital of France?")
    await stage.replies(1)
    await stage.ann.edit(asked, "capital of Italy?")
    answer, told = await stage.replies(2)
    assert answer == "Paris"
    assert "key" in told


async def test_edit_in_group_can_address_the_bot(stage: Stage, hurry: None) -> None:
    await stage.start()
    friends, [ann] = group(stage)
    said = await ann.say(friends, "what is the time?")
    await stage.fetched()
    await ann.edit(said, "Keepsake, what is the time?")
    [reply] = await friends.wait(1, PATIENCE_S)
    assert reply.reply_to == said.id
    assert len(stage.model.requests) == 1


@pytest.mark.parametrize("stored", first([False, True]))
async def test_an_edit_outlives_a_busy_database(
    stage: Stage, hurry: None, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    chat, (ann, _) = group(stage, "Bob")
    stage.model.always(Say("Aye."))
    await stage.start(GROUP_LISTEN="on" if stored else "off")
    said = await ann.say(chat, "is anybody there?")
    await handled(stage)
    done, failed = Inbox.done, list[Sequence[int]]()

    async def busy(self: Inbox, tx: Transaction, update_ids: Sequence[int]) -> None:
        if not failed:
            failed.append(update_ids)
            locked = sqlite3.OperationalError("database is locked")
            locked.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise StorageError("locked") from locked
        await done(self, tx, update_ids)

    monkeypatch.setattr(database, "WRITE_AGAIN_AFTER_S", (0.0, 0.0))
    monkeypatch.setattr(Inbox, "done", busy)
    await ann.edit(said, "Keepsake, is anybody there?")
    assert [reply.text for reply in await chat.wait(1, PATIENCE_S)] == ["Aye."]
    assert failed


@pytest.mark.long
async def test_short_answer_replaces_all_of_long_one(stage: Stage, hurry: None) -> None:
    """No part of the longer answer is left in the chat."""
    stage.model.script(Say("word " * 9000, chunk=100), Say("short"))
    await stage.start()
    asked = await stage.ann.say(stage.home, "tell me much")
    await stage.replies(2)
    await stage.ann.edit(asked, "tell me little")
    await stage.home.wait(lambda chat: [one.text for one in chat.replies] == ["short"], PATIENCE_S)


@pytest.mark.parametrize("live", [{"live_period": 600}])
async def test_moving_live_location_is_answered_once(stage: Stage, hurry: None, live: dict[str, Any]) -> None:
    await stage.start()
    place = {"latitude": 46.9, "longitude": 7.4, **live}
    await stage.ann.say(stage.home, None, location=place)
    await stage.replies(1)
    user = {"id": stage.ann.id, "is_bot": False, "first_name": "Ann"}
    chat = {"id": stage.ann.id, "type": "private", "first_name": "Ann"}
    moved = {"message_id": 1, "date": 1, "edit_date": 2, "from": user, "chat": chat}
    stage.telegram.push_update({"edited_message": moved | {"location": place | {"latitude": 47.0}}})
    await stage.fetched()
    await stage.ann.say(stage.home, "/memory")
    await stage.replies(2)
    assert len(stage.model.requests) == 1


async def test_edit_keeps_picture_that_telegram_withholds(stage: Stage, hurry: None) -> None:
    await stage.start()
    shown = await stage.ann.photo(stage.home, picture(50, 40), "my cat")
    await stage.replies(1)
    stage.ann.files.clear()
    await stage.ann.edit(shown, "my dog")
    await stage.model.wait_requests(2, PATIENCE_S)
    asked = stage.model.requests[-1].messages[-1]
    assert asked.text.endswith("my dog")
    assert asked.images == stage.model.requests[0].messages[-1].images


async def test_another_picture_under_the_same_words_is_seen(stage: Stage, hurry: None) -> None:
    await stage.start()
    shown = await stage.ann.photo(stage.home, picture(50, 40), "what is it?")
    await stage.replies(1)
    await stage.ann.replace_photo(shown, picture(90, 90))
    await stage.model.wait_requests(2, PATIENCE_S)
    assert stage.model.requests[-1].messages[-1].images == (picture(90, 90),)


async def test_caption_of_unreadable_file_can_be_edited(stage: Stage, hurry: None) -> None:
    await stage.start()
    sent = await stage.ann.document(
        stage.home, bytes(range(256)) * 9, "a.exe", "application/octet-stream", "waht is it?"
    )
    await stage.replies(2)
    await stage.ann.edit(sent, "what is it for?")
    await stage.fetched()
    await stage.ann.say(stage.home, "go on")
    await stage.home.wait(
        lambda chat: any("go on" in request.last_words for request in stage.model.requests), PATIENCE_S
    )
    words = stage.model.requests[-1].messages[1].text
    assert "[file a.exe: not readable: this kind of file can't be read]\nwhat is it for?" in words
    assert "waht" not in words


async def test_a_reaction_brings_back_nothing_after_a_restart(stage: Stage, hurry: None) -> None:
    stage.model.always(Say("Aye."))
    await stage.start()
    forgotten = await stage.ann.say(stage.home, "My cat is Tom.", date=int(time.time()) - 60)
    await stage.replies(1)
    await stage.ann.say(stage.home, "/reset")
    await stage.replies(2)
    while query(stage, "SELECT 1 FROM notices WHERE message_id IS NULL"):  # noqa: ASYNC110 - or it is sent again
        await asyncio.sleep(0.02)
    await stage.kill()
    await stage.start()
    await stage.ann.react(forgotten)
    await stage.ann.say(stage.home, "hello")
    await stage.replies(3)
    assert _words(stage, -1) == ["hello"]
    assert len(stage.model.requests) == 2
