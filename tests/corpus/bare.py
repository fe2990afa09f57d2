"""Messages with as little as Telegram may tell of them."""

from typing import Any

from sandbox.botapi.wire import Json

OPTIONAL = frozenset(
    (
        *("from", "file_name", "file_size", "mime_type", "title", "performer", "emoji", "set_name", "thumbnail"),
        *("last_name", "username", "media", "prize_description", "prize_star_count", "author_signature"),
        *("premium_subscription_month_count", "entities", "caption_entities", "is_manual", "vcard", "user_id"),
    )
)


def bare(value: Any) -> Any:
    """A message, or a part of one, without what is optional in it."""
    if isinstance(value, list):
        return [bare(one) for one in value]
    if isinstance(value, dict):
        return {key: bare(item) for key, item in value.items() if key not in OPTIONAL or _needed(key, value)}
    return value


def _needed(key: str, holder: Json) -> bool:
    """Only files lack a title, only stickers an emoji; the size of a passport's file and the id of a user are told."""
    if key == "title":
        return "file_id" not in holder
    if key == "emoji":
        return "value" in holder
    return "file_date" in holder or (key == "user_id" and "phone_number" not in holder)
