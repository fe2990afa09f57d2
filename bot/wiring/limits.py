"""The budgets from the settings, and the prices from the model profiles."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.conversation.budget import Budget, ModelRole, Scope
from bot.conversation.cache_markers import HIT, WRITE
from bot.errors import SettingError
from bot.llm.interface import Models
from bot.llm.known import KNOWN
from bot.llm.profiles import Profiles
from bot.pricing import Amount, Price
from bot.settings import Settings
from storage import Storage


@dataclass(frozen=True, slots=True)
class Prices:
    """What models cost. Prices missing from a profile are derived from its input price, CACHED_PRICE and OUTPUT_PRICE.

    Cache writes are assumed to be billed as Model Studio bills them, and with cache markers, so are cache hits unless
    CACHED_PRICE is set.
    """

    profiles: Profiles
    settings: Settings
    used: tuple[str, ...]
    """The models that may be used for answers."""
    marked: bool = False
    """Whether prompts have cache markers and the server bills by them."""

    def of(self, model: str) -> Price | None:
        """A model's prices, or None if its profile doesn't have an input price."""
        profile = self.profiles.model(model)
        fresh = profile.price_input
        if fresh is None:
            return None
        return Price(
            input=fresh,
            cached=_or(profile.price_cached, fresh * self._hit),
            written=_or(profile.price_written, fresh * WRITE),
            output=_or(profile.price_output, fresh * self.settings.output_price),
            currency=profile.currency,
            audio=profile.price_audio,
        )

    @property
    def _hit(self) -> float:
        own = "cached_price" in self.settings.model_fields_set
        return HIT if self.marked and not own else self.settings.cached_price

    def unpriced(self, currency: str) -> str | None:
        """A model that may be used but has no price in this currency, or None if all have one."""
        priced = {name: self.of(name) for name in self.used}
        return next((name for name, price in priced.items() if price is None or price.currency != currency), None)

    @property
    def currency(self) -> str | None:
        """The currency of all models, or None if one has no price or another currency."""
        price = self.of(self.used[0])
        return price.currency if price and self.unpriced(price.currency) is None else None


def known_profiles(settings: Settings) -> Profiles:
    """The built-in profiles, and those of the operator. Raises SettingError for an invalid MODEL_PROFILES file."""
    profiles = KNOWN.with_voice(settings.voice) if settings.voice else KNOWN
    return profiles.with_file(settings.model_profiles) if settings.model_profiles else profiles


def prices(settings: Settings, profiles: Profiles, models: Models) -> Prices:
    """The prices of all models that may be used."""
    names = (settings.openai_model, settings.vision_model or models.vision_model, *settings.fallbacks)
    marked = settings.cache_markers == "on" or (
        settings.cache_markers == "auto" and models.cache(settings.openai_model).explicit
    )
    return Prices(profiles, settings, tuple(dict.fromkeys(filter(None, (*names, *settings.models)))), marked)


def amounts(settings: Settings, priced: Prices) -> Mapping[Scope, Amount]:
    """The budgets from the settings. Raises SettingError if one is money and a model has no price in its currency."""
    configured = {
        Scope.USER: settings.budget_user,
        Scope.CHAT: settings.budget_chat,
        Scope.TOTAL: settings.budget_total,
    }
    budgets: dict[Scope, Amount] = {scope: amount for scope, amount in configured.items() if amount is not None}
    for scope, amount in budgets.items():
        if amount.currency and (model := priced.unpriced(amount.currency)) is not None:
            raise SettingError(
                f"BUDGET_{scope.upper()}: {model} has no price in {amount.currency}; "
                "set price_input and currency in the MODEL_PROFILES file, or use a number of tokens"
            )
    return budgets


async def open_budget(
    settings: Settings, storage: Storage, priced: Prices, is_owner: Callable[[int], Awaitable[bool]]
) -> Budget:
    """Load the current budgets. Raises SettingError, see `amounts`."""
    configured = amounts(settings, priced)
    embedding_model = settings.embedding_model if settings.embedding_model not in priced.used else None
    budget = Budget(
        storage.database,
        storage.usage,
        configured,
        priced.of,
        is_owner,
        settings.zone,
        time.time,
        embedding_model=embedding_model,
    )
    await budget.load()
    return budget


def _or(price: float | None, otherwise: float) -> float:
    return otherwise if price is None else price


def model_roles(settings: Settings) -> dict[str, ModelRole]:
    """The models that are only for embeddings or transcription."""
    roles = {settings.embedding_model: ModelRole.MEANING, settings.transcription_model: ModelRole.VOICE}
    return {model: role for model, role in roles.items() if model is not None}
