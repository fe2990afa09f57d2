"""/search finds what was said in this chat, in any inflection, with its date and a link where there is one."""

from datetime import UTC, datetime

from sandbox.botapi import Chat
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry  # noqa: F401 - a fixture
from tests.e2e.test_memory import Model, say


async def ask(stage: Stage, chat: Chat, text: str) -> str:
    count = len(chat.replies)
    await stage.ann.say(chat, text)
    return (await chat.wait(count + 1, PATIENCE_S))[-1].text


async def test_search_hit_shows_date_speaker_and_words(stage: Stage) -> None:
    Model(stage)
    await stage.start()
    assert "can't find anything" in await say(stage, "/search boat")
    await say(stage, "we painted both boats in Zanzibar, " + "and then some more words came " * 20)
    await say(stage, "hello")
    found = await say(stage, "/search boat")
    assert f"{datetime.now(UTC):%Y-%m-%d}" in found
    assert "· Ann\nwe painted both boats in Zanzibar" in found
    assert found.endswith("…")
    assert "https" not in found
    assert "can't find anything" in await say(stage, "/search submarine")
    assert "/search with a few words" in await say(stage, "/search")


async def test_search_excerpt_survives_growing_lower_case(stage: Stage) -> None:
    """Some letters take more space in lower case; the excerpt still shows the words that were found."""
    Model(stage)
    await stage.start()
    await say(stage, "ß" * 200 + " and our submarine is yellow")
    assert "our submarine is yellow" in await say(stage, "/search submarine")


async def test_two_chinese_signs_are_found_inside_a_sentence(stage: Stage) -> None:
    Model(stage)
    await stage.start()
    await say(stage, "昨天我去市场买了三个苹果")
    assert "三个苹果" in await say(stage, "/search 苹果")


async def test_supergroup_hits_have_links_and_stay_local(stage: Stage) -> None:
    """Words of other chats are not found."""
    Model(stage)
    bob = stage.telegram.user("Bob")
    group = stage.telegram.group("Friends", [stage.ann, bob])
    await stage.start(GROUP_TRIGGER="always")
    await say(stage, "my secret is swordfish")
    told = await stage.ann.say(group, "our boat is green")
    await group.wait(1, PATIENCE_S)
    found = await ask(stage, group, "/search boat")
    assert ("https://t.me/c/" in found) == str(group.id).startswith("-100")
    assert not str(group.id).startswith("-100") or found.endswith(f"/{told.id}")
    assert "can't find anything" in await ask(stage, group, "/search swordfish")


async def test_what_was_reset_is_not_found(stage: Stage) -> None:
    Model(stage)
    await stage.start()
    await say(stage, "our boat is green")
    await say(stage, "/reset")
    assert "can't find anything" in await say(stage, "/search boat")


async def test_words_that_look_like_a_query_are_words(stage: Stage) -> None:
    Model(stage)
    await stage.start()
    await say(stage, 'our "boat" AND (not) NEAR own: tag:qzbqz*')
    for words in ('"', "boat*", "own: boat", "NEAR(", 'tag:qzbqz" OR "x', "-boat", "boat OR"):
        assert await say(stage, f"/search {words}")
    assert "our" in await say(stage, '/search boat"')
