"""What a window's marks are reckoned with: the settings, and what is known of the model's server."""

import pytest

from bot.conversation.model_selector import ModelSelector
from bot.conversation.tokens import estimate
from bot.conversation.window import WindowReader
from bot.llm.interface import CacheProfile
from bot.settings import Settings
from bot.wiring import conversation as wiring
from storage import Storage
from tests.scripted import OneModel, ScriptedModel


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
