"""With ACCESS=list a stranger costs nothing, and is told what to do."""

from tests.e2e.conftest import PATIENCE_S, Stage


async def test_stranger_learns_their_id_and_what_to_do(stage: Stage) -> None:
    """The reply to somebody without access names their id and the setting it belongs in."""
    await stage.start(ACCESS="list")
    await stage.ann.say(stage.home, "hello")
    (told,) = await stage.replies(1)
    assert str(stage.ann.id) in told
    assert "ALLOWED_IDS" in told
    assert stage.model.requests == []


async def test_listed_user_is_answered_and_commands_work(stage: Stage) -> None:
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    await stage.start(ACCESS="list", OWNER_IDS=str(stage.ann.id), ALLOWED_IDS=f"7, {bob.id}")
    await stage.ann.say(stage.home, "hello")
    await bob.say(bobs, "/help")
    await stage.replies(1)
    (helped,) = await stage.replies(1, bobs)
    assert helped.startswith("Just write")
    assert len(stage.model.requests) == 1


async def test_group_is_admitted_by_its_own_id(stage: Stage) -> None:
    friends = stage.telegram.group("Friends", [stage.ann])
    others = stage.telegram.group("Others", [stage.ann])
    await stage.start(ACCESS="list", ALLOWED_IDS=str(friends.id))
    await stage.ann.say(others, "just talking")
    await stage.ann.say(others, "@keepsake_sandbox_bot hello")
    await stage.ann.say(friends, "@keepsake_sandbox_bot hello")
    await friends.wait(1, PATIENCE_S)
    (told,) = await stage.replies(1, others)
    assert str(others.id) in told
    assert len(stage.model.requests) == 1


async def test_block_overrides_list_from_settings(stage: Stage) -> None:
    """With a fixed list, /allow changes nothing, and /block still takes precedence over the list."""
    bob = stage.telegram.user("Bob")
    bobs = stage.telegram.private(bob)
    await stage.start(ACCESS="list", OWNER_IDS=str(stage.ann.id), ALLOWED_IDS=str(bob.id))
    await stage.ann.say(stage.home, "/allow 5")
    assert "only those in OWNER_IDS and ALLOWED_IDS" in (await stage.replies(1))[0]
    await stage.ann.say(stage.home, f"/block {bob.id}")
    await stage.replies(2)
    await bob.say(bobs, "hello")
    await stage.ann.say(stage.home, "hello")
    await stage.replies(3)
    assert bobs.replies == []
    assert len(stage.model.requests) == 1


async def test_button_pressed_by_stranger_does_nothing(stage: Stage) -> None:
    """The press is answered too, so that the button does not hang."""
    bob = stage.telegram.user("Bob")
    friends = stage.telegram.group("Friends", [stage.ann, bob])
    await stage.start(ACCESS="list", OWNER_IDS=str(stage.ann.id))
    await stage.ann.say(friends, "/settings@keepsake_sandbox_bot")
    (menu,) = await friends.wait(1, PATIENCE_S)
    await bob.press(menu, menu.buttons[0].text)
    await stage.telegram.wait_call("answerCallbackQuery", timeout=PATIENCE_S)
    assert friends.message(menu.id).text == menu.text
