"""Topics of forums and of private chats are conversations of their own."""

from sandbox.botapi import Chat
from sandbox.model import HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import user_messages
from tests.e2e.quick import hurry as hurry


async def _say(stage: Stage, chat: Chat, text: str, thread: int | None = None, reply_to: int | None = None) -> str:
    count = len(chat.replies)
    await stage.ann.say(chat, text, reply_to=reply_to, thread=thread)
    reply = (await chat.wait(count + 1, PATIENCE_S))[-1]
    assert reply.thread == thread
    return reply.text


async def test_forum_topics_do_not_share_context(stage: Stage, hurry: None) -> None:
    forum = stage.telegram.group("Forum", [stage.ann], forum=True)
    red, blue = forum.topic("Red"), forum.topic("Blue")
    await stage.start(GROUP_TRIGGER="always")
    await _say(stage, forum, "my word is crimson", red)
    await _say(stage, forum, "what is my word?", blue)
    await _say(stage, forum, "and here?")
    assert b"crimson" not in stage.model.requests[1].body + stage.model.requests[2].body
    await _say(stage, forum, "say it again", red)
    assert "crimson" in user_messages(stage.model.requests[3])[0]


async def test_first_message_of_topic_is_no_reply(stage: Stage, hurry: None) -> None:
    """Telegram marks each message of a topic as a reply to the message that opened it."""
    forum = stage.telegram.group("Forum", [stage.ann], forum=True)
    red = forum.topic("Red")
    await stage.start()
    await stage.ann.say(forum, "nobody in particular", thread=red)
    await _say(stage, forum, "Keepsake, hello", red)
    [words] = user_messages(stage.model.requests[0])
    assert "topic" not in words
    assert words.endswith("Ann: nobody in particular\nAnn: Keepsake, hello")


async def test_topics_of_a_private_chat_are_conversations_too(stage: Stage, hurry: None) -> None:
    stage.telegram.private_topics = True
    red, blue = stage.home.topic("Red"), stage.home.topic("Blue")
    await stage.start()
    await _say(stage, stage.home, "my word is crimson", red)
    await _say(stage, stage.home, "what is my word?", blue)
    assert b"crimson" not in stage.model.requests[1].body
    assert "see the whole conversation" in await _say(stage, stage.home, "/memory", red)
    await _say(stage, stage.home, "/reset", blue)
    await _say(stage, stage.home, "say it again", red)
    assert "crimson" in user_messages(stage.model.requests[2])[0]


async def test_preview_appears_in_the_same_topic(stage: Stage, hurry: None) -> None:
    stage.telegram.private_topics = True
    red, hold = stage.home.topic("Red"), HoldStream(3)
    stage.model.script(Say("one two three four five", hold=hold))
    await stage.start()
    await stage.ann.say(stage.home, "hello", thread=red)
    await stage.home.wait(lambda chat: chat.draft is not None, PATIENCE_S)
    assert stage.home.draft is not None
    assert stage.home.draft.thread == red
    hold.release()
    [reply] = await stage.home.wait(1, PATIENCE_S)
    assert (reply.text, reply.thread) == ("one two three four five", red)
    writing = [call for call in stage.telegram.calls if call.method == "sendChatAction"]
    assert {str(call.params["message_thread_id"]) for call in writing} == {str(red)}


async def test_closed_or_deleted_topic_blocks_nothing(stage: Stage, hurry: None) -> None:
    forum = stage.telegram.group("Forum", [stage.ann], forum=True)
    red, hold = forum.topic("Red"), HoldStream("headers")
    stage.model.script(Say("too late", hold=hold), Say("in time"))
    await stage.start(GROUP_TRIGGER="always")
    await stage.ann.say(forum, "hello", thread=red)
    await stage.model.wait_requests(1, PATIENCE_S)
    forum.delete_topic(red)
    hold.release()
    await _say(stage, stage.home, "and here?")
    assert stage.home.replies[0].text == "in time"
    assert forum.replies == []
