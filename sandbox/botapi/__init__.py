"""A Bot API server on loopback, strict about requests, with simulated users."""

from sandbox.botapi.botapi_server import BotApi
from sandbox.botapi.faults import Faults, Hold
from sandbox.botapi.message import Button, Entity, Message
from sandbox.botapi.people import Chat, User
from sandbox.botapi.server_state import Draft
from sandbox.botapi.wire import Call

__all__ = ["BotApi", "Button", "Call", "Chat", "Draft", "Entity", "Faults", "Hold", "Message", "User"]
