"""A Telegram client with short timeouts, for single requests from shell commands."""

from telegram import Bot
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from bot.http import trust
from bot.settings import Settings

TIMEOUT_S = 10.0
"""For each phase of a request; Telegram normally answers within a second."""


def short_lived_bot(settings: Settings) -> Bot:
    """A Bot for a few single requests; the caller must shut down its `request`."""

    def request() -> HTTPXRequest:
        return HTTPXRequest(
            connection_pool_size=1,
            read_timeout=TIMEOUT_S,
            connect_timeout=TIMEOUT_S,
            pool_timeout=TIMEOUT_S,
            httpx_kwargs={"verify": trust()},
        )

    return Bot(
        settings.telegram_bot_token.get_secret_value(),
        base_url=f"{settings.telegram_api_url}/bot",
        request=request(),
        get_updates_request=request(),
    )


async def username(settings: Settings) -> str | None:
    """The bot's username without the @, or None if Telegram can't be asked now."""
    bot = short_lived_bot(settings)
    try:
        return (await bot.get_me()).username
    except TelegramError:
        return None
    finally:
        await bot.request.shutdown()
