"""Checks of Telegram: whether it knows the token, what the bot can read in groups, and how it gets updates.

They don't disturb a running bot: there is no getUpdates, which would interrupt its polling, and no webhook change.
"""

from urllib.parse import urlsplit

from telegram import Bot, User, WebhookInfo
from telegram.error import InvalidToken, TelegramError

from bot.cli.bot_client import short_lived_bot
from bot.doctor.report import Finding, cross, fine, note
from bot.settings import Settings

NO_ANSWER = (TypeError, ValueError, LookupError, AttributeError, RecursionError)
"""What python-telegram-bot raises for JSON that isn't from Telegram."""
NO_SERVER = "TELEGRAM_API_URL: use a Bot API server, or leave it unset for Telegram's own. A proxy may be in the way."
OWN_SERVER = "https://api.telegram.org"


async def check_telegram(settings: Settings) -> list[Finding]:
    """Check the token, the access to group messages, and the webhook."""
    bot = short_lived_bot(settings)
    try:
        me = await bot.get_me()
    except InvalidToken:
        return [_unknown(settings)]
    except TelegramError as exc:
        advice = (
            f"Check whether this machine can reach {_host(settings.telegram_api_url)} (TELEGRAM_API_URL, a proxy?)."
        )
        return [cross("Telegram", f"can't be reached, or has a problem: {exc}", advice)]
    except NO_ANSWER as exc:
        return [cross("Telegram", f"what answers is not a Bot API server ({type(exc).__name__}: {exc})", NO_SERVER)]
    else:
        found = fine("Telegram", f"knows the token: @{me.username}")
        return [found, _groups(settings, me), await _webhook(settings, bot)]
    finally:
        await bot.request.shutdown()


def _unknown(settings: Settings) -> Finding:
    advice = "TELEGRAM_BOT_TOKEN: copy it again from @BotFather (/mybots, API Token)."
    if settings.telegram_api_url != OWN_SERVER:  # a 404 looks the same as an unknown token
        advice += " Or TELEGRAM_API_URL is not the address of a Bot API server."
    return cross("Telegram", "does not know the token", advice)


def _groups(settings: Settings, me: User) -> Finding:
    if settings.group_listen == "off":
        return fine("Groups", "GROUP_LISTEN is off: only messages to the bot are kept")
    if me.can_read_all_group_messages:
        return fine("Groups", "the bot also sees what is said between messages to it")
    return note(
        "Groups",
        "privacy mode is on, so the bot only sees messages to it, although GROUP_LISTEN is on",
        "In @BotFather: /mybots, your bot, Bot Settings, Group Privacy, Turn off. Then remove the bot from its groups "
        "and add it again. Or make it an administrator there, or set GROUP_LISTEN=off.",
    )


async def _webhook(settings: Settings, bot: Bot) -> Finding:
    try:
        info = await bot.get_webhook_info()
    except InvalidToken:  # raised for every 404; the token itself was accepted by getMe
        return note("Webhook", "this Bot API server does not support webhooks", "Leave WEBHOOK_URL unset here.")
    except (TelegramError, *NO_ANSWER) as exc:
        return note("Webhook", f"could not be checked: {exc}", "Try again in a moment.")
    oddity = _unexpected(settings, info)
    if oddity is not None:
        return oddity
    way = f"set to {_host(info.url)}, as WEBHOOK_URL says" if info.url else "none set: the bot polls"
    if info.last_error_message and info.last_error_date:
        when = f"{info.last_error_date:%Y-%m-%d %H:%M} UTC"
        advice = "If that was long ago, it is over. If not, check the certificate, proxy and port in front of the bot."
        return note("Webhook", f"{way}; Telegram's last failure, {when}: {info.last_error_message}", advice)
    if info.pending_update_count:
        return note("Webhook", f"{way}; {_waiting(info)}", "The bot will handle them when it runs.")
    return fine("Webhook", f"{way}; no updates waiting")


def _unexpected(settings: Settings, info: WebhookInfo) -> Finding | None:
    """A note if Telegram's webhook is not the configured one. Paths are not shown, since they may contain secrets."""
    wanted = settings.webhook_url or ""
    if info.url == wanted:
        return None
    advice = (
        "The bot changes that when it starts. If it is running, a second bot uses this token: give that one its own."
    )
    if not info.url:
        return note("Webhook", f"not set, although WEBHOOK_URL is; {_waiting(info)}", advice)
    if not wanted:
        return note("Webhook", f"set to {_host(info.url)}, but this bot polls; {_waiting(info)}", advice)
    same = _host(info.url) == _host(wanted)
    where = "another path than WEBHOOK_URL's" if same else f"{_host(info.url)}, which is not WEBHOOK_URL's address"
    return note("Webhook", f"set to {where}; {_waiting(info)}", advice)


def _waiting(info: WebhookInfo) -> str:
    count = info.pending_update_count
    return "no updates waiting" if not count else "1 update waiting" if count == 1 else f"{count} updates waiting"


def _host(url: str) -> str:
    return urlsplit(url).hostname or "an invalid address"
