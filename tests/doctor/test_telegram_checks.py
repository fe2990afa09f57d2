"""Telegram is asked two questions, and each answer is told apart."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.doctor import telegram_checks
from bot.doctor.report import Finding, Severity
from sandbox.botapi import BotApi
from sandbox.http import serve
from tests.doctor.conftest import World

HOOK = "https://bot.example/hook"


async def _webhook(world: World, **variables: str) -> Finding:
    return (await telegram_checks.check_telegram(world.settings(**variables)))[2]


async def test_polling_bot_that_hears_is_fine(world: World) -> None:
    """Nothing else is called."""
    found = await telegram_checks.check_telegram(world.settings())
    assert [finding.mark for finding in found] == [Severity.FINE] * 3
    assert "@keepsake_sandbox_bot" in found[0].found
    assert [call.method for call in world.telegram.calls] == ["getMe", "getWebhookInfo"]


async def test_an_unknown_token_is_a_cross(world: World) -> None:
    (found,) = await telegram_checks.check_telegram(world.settings(TELEGRAM_BOT_TOKEN="123456:other"))
    assert found.mark is Severity.CROSS
    assert "does not know the token" in found.found


async def test_unreachable_telegram_is_a_cross(world: World) -> None:
    async with BotApi().run() as url:
        pass
    (found,) = await telegram_checks.check_telegram(world.settings(TELEGRAM_API_URL=url))
    assert found.mark is Severity.CROSS
    assert "can't be reached" in found.found


async def test_a_telegram_in_trouble_is_a_cross(world: World) -> None:
    world.telegram.faults.add("getMe", code=502)
    (found,) = await telegram_checks.check_telegram(world.settings())
    assert found.mark is Severity.CROSS


async def test_silent_telegram_is_not_awaited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli.bot_client.TIMEOUT_S", 0.2)
    world.telegram.faults.hold("getMe")
    (found,) = await telegram_checks.check_telegram(world.settings())
    assert found.mark is Severity.CROSS


@pytest.mark.parametrize("result", ["[]", '"x"', "{}", '{"id": 7}'])
async def test_what_is_no_bot_api_is_a_cross(world: World, result: str) -> None:
    async def answer(_: Request) -> Response:
        return Response(f'{{"ok": true, "result": {result}}}', media_type="application/json")

    async with serve(Starlette(routes=[Route("/{any:path}", answer, methods=["GET", "POST"])])) as url:
        (found,) = await telegram_checks.check_telegram(world.settings(TELEGRAM_API_URL=url))
    assert (found.mark, "TELEGRAM_API_URL" in found.advice) == (Severity.CROSS, True)


async def test_privacy_mode_is_note_with_a_remedy(world: World) -> None:
    world.telegram.privacy_mode = True
    found = (await telegram_checks.check_telegram(world.settings()))[1]
    assert found.mark is Severity.NOTE
    assert "@BotFather" in found.advice


async def test_privacy_mode_is_fine_without_listening(world: World) -> None:
    """For a bot that need not hear what is not addressed to it."""
    world.telegram.privacy_mode = True
    assert (await telegram_checks.check_telegram(world.settings(GROUP_LISTEN="off")))[1].mark is Severity.FINE


async def test_the_webhook_that_was_wished_for_is_fine(world: World) -> None:
    await world.call("setWebhook", url=HOOK)
    assert (await _webhook(world, WEBHOOK_URL=HOOK)).mark is Severity.FINE


async def test_webhook_of_polling_bot_is_a_note(world: World) -> None:
    """The note leaves out the path, which may be a secret."""
    await world.call("setWebhook", url=HOOK)
    found = await _webhook(world)
    assert found.mark is Severity.NOTE
    assert "bot.example" in found.found
    assert "hook;" not in found.found


@pytest.mark.parametrize(
    ("wished", "told"), [("https://other.example/hook", "bot.example"), ("https://bot.example/other", "another path")]
)
async def test_a_webhook_at_another_address_is_a_note(world: World, wished: str, told: str) -> None:
    await world.call("setWebhook", url=HOOK)
    found = await _webhook(world, WEBHOOK_URL=wished)
    assert found.mark is Severity.NOTE
    assert told in found.found


async def test_webhook_not_set_yet_is_a_note(world: World) -> None:
    found = await _webhook(world, WEBHOOK_URL=HOOK)
    assert (found.mark, found.found) == (Severity.NOTE, "not set, although WEBHOOK_URL is; no updates waiting")


async def test_updates_that_wait_are_a_note(world: World) -> None:
    ann = world.telegram.user("Ann")
    await ann.say(world.telegram.private(ann), "hello")
    found = await _webhook(world)
    assert found.mark is Severity.NOTE
    assert "1 update waiting" in found.found


async def test_failed_delivery_is_note_with_telegrams_words(world: World) -> None:
    await world.call("setWebhook", url=HOOK)
    world.telegram._state.webhook.last_error = (1_795_449_600, "Connection refused")
    found = await _webhook(world, WEBHOOK_URL=HOOK)
    assert found.mark is Severity.NOTE
    assert "last failure, 2026-11-23 16:00 UTC: Connection refused" in found.found


async def test_a_server_without_webhooks_is_a_note(world: World) -> None:
    world.telegram.faults.add("getWebhookInfo", code=404, description="Not Found: method not found")
    found = await _webhook(world)
    assert (found.mark, found.found) == (Severity.NOTE, "this Bot API server does not support webhooks")


async def test_unreadable_webhook_state_is_a_note(world: World) -> None:
    world.telegram.faults.add("getWebhookInfo", code=500)
    assert (await _webhook(world)).mark is Severity.NOTE
