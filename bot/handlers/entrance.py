"""All that is about who may talk to the bot."""

from dataclasses import dataclass

from bot.handlers.access import Gate
from bot.handlers.broadcast import BroadcastHandlers
from bot.handlers.owners import OwnerHandlers
from bot.handlers.requests import RequestHandlers


@dataclass(frozen=True, slots=True)
class Entrance:
    """The gate before all other handlers, and what owners do about it."""

    gate: Gate
    requests: RequestHandlers
    owners: OwnerHandlers
    broadcast: BroadcastHandlers
