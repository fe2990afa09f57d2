"""A short visit to Telegram, with little patience: for the commands of the shell."""

from telegram import Bot
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from bot.http import trust
from bot.settings import Settings

PATIENCE_S = 10.0
"""For each step of a request; Telegram answers within a second."""


def visitor(settings: Settings) -> Bot:
    """The bot as someone who asks a question and goes; whoever makes it shuts its `request` down."""

    def request() -> HTTPXRequest:
        return HTTPXRequest(
            connection_pool_size=1,
            read_timeout=PATIENCE_S,
            connect_timeout=PATIENCE_S,
            pool_timeout=PATIENCE_S,
            httpx_kwargs={"verify": trust()},
        )

    return Bot(
        settings.telegram_bot_token.get_secret_value(),
        base_url=f"{settings.telegram_api_url}/bot",
        request=request(),
        get_updates_request=request(),
    )


async def username(settings: Settings) -> str | None:
    """The bot's @username without the @; None: Telegram does not tell it now."""
    bot = visitor(settings)
    try:
        return (await bot.get_me()).username
    except TelegramError:
        return None
    finally:
        await bot.request.shutdown()
