"""How a chat remembers is chosen for that chat, and holds from the next turn on."""

from bot.conversation.marks import Way
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry  # noqa: F401 - a fixture
from tests.e2e.test_memory import Model, say, talk


async def test_a_choice_is_ticked_and_holds(stage: Stage) -> None:
    model = Model(stage)
    await stage.start(CONTEXT_WINDOW="4096", COMPACT_AT="0.4", RECALL_TOKENS="0", KEEP_ROUNDS="2")
    shown = await say(stage, "/settings")
    assert "This bot is set to: Notes." in shown
    menu = stage.home.replies[-1]
    assert [button.text for button in menu.buttons] == ["Notes", "Last rounds", "Everything", "✓ As the bot is set"]
    await stage.ann.press(menu, "Last rounds")
    await stage.home.wait(lambda chat: chat.message(menu.id).buttons[1].text == "✓ Last rounds", PATIENCE_S)
    await stage.ann.press(menu, f"way:{Way.TRUNCATE}")
    await talk(stage, 8)
    assert not any("Write the notes" in request.last_words for request in model.asked)
    assert len(model.asked[-1].messages) < 12
    menu = stage.home.message(menu.id)
    await stage.ann.press(menu, "As the bot is set")
    await stage.home.wait(lambda chat: chat.message(menu.id).buttons[3].text.startswith("✓"), PATIENCE_S)
    await talk(stage, 8)
    assert any("Write the notes" in request.last_words for request in model.asked)


async def test_another_chat_keeps_its_own_way(stage: Stage) -> None:
    Model(stage)
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    await stage.start()
    await say(stage, "/settings")
    await stage.ann.press(stage.home.replies[-1], "Everything")
    await bob.say(bobs, "/settings")
    [menu] = await bobs.wait(1, PATIENCE_S)
    assert menu.buttons[3].text == "✓ As the bot is set"
