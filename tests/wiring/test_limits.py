"""Budgets of the settings: in money only where every model that may answer has a price in it."""

from pathlib import Path

import pytest

from bot.conversation.budget import Scope
from bot.errors import SettingError
from bot.llm.interface import CacheProfile
from bot.llm.known import KNOWN
from bot.pricing import Price
from bot.settings import Settings, load
from bot.wiring.limits import Prices, open_budget, prices
from storage import Storage
from storage.records import Usage
from tests.conversation.test_budget import never
from tests.scripted import OneModel, ScriptedModel, says

PRICED = "[models.first]\nprice_input = 1.0\n[models.second]\nprice_input = 2.0\nprice_cached = 0.5\n"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in {"TELEGRAM_BOT_TOKEN": "1:abc", "OPENAI_API_KEY": "any", "OPENAI_MODEL": "first"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MODELS", "second")
    monkeypatch.setenv("BUDGET_TOTAL", "5 USD")
    return load(env_file=None)


def _prices(settings: Settings, folder: Path, written: str, *, explicit: bool = False) -> Prices:
    file = folder / "profiles.toml"
    file.write_text(written)
    models = OneModel(ScriptedModel([says("yes")]), CacheProfile(explicit=explicit, minimum=0, lifetime_s=300.0))
    return prices(settings, KNOWN.with_file(file), models)


async def test_missing_prices_follow_from_input_price(settings: Settings, tmp_path: Path) -> None:
    found = _prices(settings, tmp_path, PRICED)
    assert found.of("first") == Price(1.0, 0.2, 1.25, 3.0, "USD")
    assert found.of("second") == Price(2.0, 0.5, 2.5, 6.0, "USD")
    assert found.of("third") is None
    assert found.currency == "USD"


@pytest.mark.parametrize(
    ("markers", "explicit", "own", "hit"),
    [
        ("auto", True, None, 0.1),
        ("auto", False, None, 0.2),
        ("on", False, None, 0.1),
        ("off", True, None, 0.2),
        ("auto", True, "0.3", 0.3),
    ],
)
def test_a_marked_hit_has_its_own_price(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    markers: str,
    explicit: bool,
    own: str | None,
    hit: float,
) -> None:
    monkeypatch.setenv("CACHE_MARKERS", markers)
    monkeypatch.setenv("CACHED_PRICE", own or "")
    price = _prices(load(env_file=None), tmp_path, PRICED, explicit=explicit).of("first")
    assert price is not None
    assert (price.cached, price.written) == (hit, 1.25)


def test_sound_has_its_own_price(settings: Settings, tmp_path: Path) -> None:
    price = _prices(settings, tmp_path, "[models.first]\nprice_input = 1.0\nprice_audio = 8.0\n").of("first")
    assert price is not None
    assert price.of(100, 0, 0, 0, 40) * 1_000_000 == pytest.approx(60 + 40 * 8)
    assert price.of(30, 70, 0, 0, 40) * 1_000_000 == pytest.approx(70 * 0.2 + 30 * 8)
    price = _prices(settings, tmp_path, PRICED).of("first")
    assert price is not None
    assert price.of(100, 0, 0, 0, 40) * 1_000_000 == pytest.approx(100)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("", "first has no price in USD"),
        ("[models.first]\nprice_input = 1.0\n", "second has no price in USD"),
        (PRICED + 'currency = "EUR"\n', "second has no price in USD"),
    ],
)
async def test_cost_budget_without_price_ends_start(
    settings: Settings, storage: Storage, tmp_path: Path, written: str, named: str
) -> None:
    """The sentence names both."""
    with pytest.raises(SettingError, match=f"^BUDGET_TOTAL: {named}"):
        await open_budget(settings, storage, _prices(settings, tmp_path, written), never)


async def test_money_with_all_prices_holds(settings: Settings, storage: Storage, tmp_path: Path) -> None:
    budget = await open_budget(settings, storage, _prices(settings, tmp_path, PRICED), never)
    assert str(budget.limit(Scope.TOTAL)) == "5.00 USD"


async def test_embeddings_count_in_money_alone(
    settings: Settings, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDDING_MODEL", "small")
    priced = _prices(settings, tmp_path, PRICED + "[models.small]\nprice_input = 0.1\n")
    budget = await open_budget(load(env_file=None), storage, priced, never)
    used = {"first": Usage(1_000_000, 0, 0), "small": Usage(1_000_000, 0, 0)}
    assert budget.cost(used, "").number == 1_000_000
    assert budget.cost(used, "USD").number == pytest.approx(1.1)
