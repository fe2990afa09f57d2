"""Who writes, and where."""

from sandbox.botapi.wire import Json

NOON = 1_795_435_200
"""2026-11-23 12:00 UTC, when everything of the corpus is sent."""

ANN: Json = {
    "id": 501,
    "is_bot": False,
    "first_name": "Ann",
    "last_name": "Lee",
    "username": "ann_lee",
    "language_code": "en",
    "is_premium": True,
    "added_to_attachment_menu": True,
}
BOB: Json = {"id": 502, "is_bot": False, "first_name": "Bob"}
HELPER: Json = {"id": 503, "is_bot": True, "first_name": "Helper", "username": "helper_bot"}

PRIVATE: Json = {"id": 501, "type": "private", "first_name": "Ann", "last_name": "Lee", "username": "ann_lee"}
GROUP: Json = {"id": -400, "type": "group", "title": "Neighbours"}
SUPERGROUP: Json = {"id": -1001000000401, "type": "supergroup", "title": "Hikers", "username": "hikers"}
FORUM: Json = {"id": -1001000000402, "type": "supergroup", "title": "Makers", "is_forum": True}
CHANNEL: Json = {"id": -1001000000403, "type": "channel", "title": "City News", "username": "city_news"}
DIRECT: Json = {"id": -1001000000404, "type": "supergroup", "title": "City News", "is_direct_messages": True}
"""The direct messages of a channel."""


def message(chat: Json, **fields: object) -> Json:
    """A message of Ann, with what Telegram puts into every one."""
    topic = {"direct_messages_topic": {"topic_id": 9, "user": ANN}} if chat is DIRECT else {}
    return {"message_id": 1000, "from": ANN, "chat": chat, "date": NOON, **topic, **fields}


def private(**fields: object) -> Json:
    """A message of Ann to the bot alone."""
    return message(PRIVATE, **fields)


def in_group(**fields: object) -> Json:
    """A message of Ann to a group."""
    return message(SUPERGROUP, **fields)
