"""A group of people around the bot, and what the model was told of them."""

import json
import time

from sandbox.botapi import Chat, User
from sandbox.model.request import ChatRequest
from tests.e2e.conftest import Stage


def group(stage: Stage, *names: str) -> tuple[Chat, list[User]]:
    """A group of these people, and Ann who made it."""
    people = [stage.ann, *(stage.telegram.user(name) for name in names)]
    return stage.telegram.group("Friends", people), people


def anonymously(stage: Stage, chat: Chat, text: str) -> None:
    """An administrator of a group says something, or gives a command, as the group."""
    where = {"id": chat.id, "type": "supergroup", "title": chat.title}
    command = {"type": "bot_command", "offset": 0, "length": len(text)}
    message = {
        "message_id": 900 + len(stage.telegram.calls),
        "date": int(time.time()),
        "chat": where,
        "from": {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"},
        "sender_chat": where,
        "text": text,
        "entities": [command] if text.startswith("/") else [],
    }
    stage.telegram.push_update({"message": message})


def user_messages(request: ChatRequest) -> list[str]:
    """The words of the users' messages in a request."""
    return [message.text for message in request.messages if message.role == "user"]


def roles(request: ChatRequest) -> list[str]:
    """Who speaks in a request, in order."""
    return [str(json.loads(message.raw)["role"]) for message in request.messages]
