"""Updates as Telegram sends them, and a bot to parse them with."""

import json
from typing import Any

from telegram import Bot, User

from bot.updates.parsing import QueuedUpdate, parse
from storage.inbox import RawUpdate

NOW = 1_764_000_000


class NamedBot(Bot):
    """A bot that knows its name without asking Telegram."""

    def __init__(self) -> None:
        super().__init__("123456:TEST")
        self._bot_user = User(123456, "Keepsake", is_bot=True, username="keepsake_bot")


def message_json(update_id: int, text: str, *, chat_id: int = 5, sender: int = 5, **more: Any) -> str:
    group = chat_id < 0
    chat = {"id": chat_id, "type": "supergroup", "title": "Friends"} if group else {"id": chat_id, "type": "private"}
    body = {
        "message_id": update_id,
        "date": NOW,
        "chat": chat,
        "from": {"id": sender, "is_bot": False, "first_name": "Ann"},
        "text": text,
        **more,
    }
    if text.startswith("/"):
        length = len(text.split()[0])
        body["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
    return json.dumps({"update_id": update_id, "message": body})


def arrival(update_id: int, text: str, **more: Any) -> QueuedUpdate:
    return parse(RawUpdate(update_id, message_json(update_id, text, **more)), NamedBot())


FORWARD = {"forward_origin": {"type": "hidden_user", "date": NOW, "sender_user_name": "Bob"}}
