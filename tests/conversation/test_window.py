"""Pictures and sounds in requests: never more of them at a time than there is room for, over all chats.

What a window's thresholds are computed from: the settings, and what is known of the model's server.
"""

import asyncio
from dataclasses import replace

import pytest

from bot.conversation import window
from bot.conversation.model_selector import ModelSelector, within_bytes
from bot.conversation.tokens import estimate
from bot.conversation.window import MediaBudget, WindowReader
from bot.llm.interface import CacheProfile
from bot.settings import Settings
from bot.wiring import conversation as wiring
from storage import Storage
from storage.records import MediaKind, Medium, Role, Turn
from tests.scripted import OneModel, ScriptedModel

_PLAIN = Turn(0, Role.USER, "look", "")


def _turn(number: int, *sizes: int) -> Turn:
    media = tuple(Medium(MediaKind.IMAGE, f"{number}/{size}", "image/png", 1, size=size) for size in sizes)
    return replace(_PLAIN, id=number, media=media)


async def test_requests_wait_for_what_others_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "SMALL", 0)
    monkeypatch.setattr(window, "MOST", 10)
    budget, held, most = MediaBudget(), 0, 0

    async def ask(size: int) -> None:
        nonlocal held, most
        async with budget.request():
            await budget.take(size)
            held += size
            most = max(most, held)
            await asyncio.sleep(0)
            held -= size

    async with asyncio.timeout(5):
        await asyncio.gather(*(ask(size) for size in (4, 4, 4, 9, 0, 3)))
    assert most <= 10


async def test_what_is_larger_than_all_room_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MOST", 10)
    budget = MediaBudget()
    async with asyncio.timeout(5), budget.request():
        await budget.take(10**9)


def test_heavy_windows_lose_their_oldest_pictures() -> None:
    turns = (_turn(1, 4, 4), _PLAIN, _turn(2, 4), _turn(3, 4))
    assert within_bytes(turns, 16) == turns
    more = within_bytes((*turns, _turn(4, 4)), 16)
    assert [medium.refused for turn in more for medium in turn.media] == [True, True, True, False, False]
    again = within_bytes((*turns, _turn(4, 4), _turn(5, 4)), 16)
    assert [medium.refused for turn in again for medium in turn.media] == [True, True, True, False, False, False]


def test_newest_pictures_stay_however_heavy() -> None:
    shown = within_bytes((_turn(1, 4), _turn(2, 30)), 16)
    assert [medium.refused for turn in shown for medium in turn.media] == [True, False]


@pytest.mark.parametrize(("setting", "price"), [({}, 0.05), ({"cached_price": 0.3}, None)])
def test_an_engine_of_ones_own_has_its_price(storage: Storage, setting: dict[str, float], price: float | None) -> None:
    model = ScriptedModel([])
    settings = Settings(telegram_bot_token="123456:AAE-any_token_of_a_bot", openai_api_key="any", **setting)  # type: ignore[arg-type]
    models = OneModel(model, CacheProfile(explicit=False, minimum=1024, lifetime_s=300, hit=0.05))
    hit = wiring._hit(settings, models)
    policy = wiring._policy(settings, ModelSelector(models, "m"))
    windows = WindowReader(storage, policy, ModelSelector(models, "m"), "Be kind.", estimate, hit=hit)
    assert hit("m") == price
    assert windows.policy_for(model).cached_price == (price or 0.3)
