"""A group of people around the bot, and what the model was told of them."""

import json

from sandbox.botapi import Chat, User
from sandbox.model.request import ChatRequest
from tests.e2e.conftest import Stage


def group(stage: Stage, *names: str) -> tuple[Chat, list[User]]:
    """A group of these people, and Ann who made it."""
    people = [stage.ann, *(stage.telegram.user(name) for name in names)]
    return stage.telegram.group("Friends", people), people


def user_messages(request: ChatRequest) -> list[str]:
    """The words of the users' messages in a request."""
    return [message.text for message in request.messages if message.role == "user"]


def roles(request: ChatRequest) -> list[str]:
    """Who speaks in a request, in order."""
    return [str(json.loads(message.raw)["role"]) for message in request.messages]
