"""The table of handlers: every command and every button has one, and the guards that the menus promise."""

from typing import cast
from unittest.mock import MagicMock

import pytest
from telegram import Bot, Chat, Message, MessageEntity, User

from bot.handlers.callbacks import BUTTONS
from bot.handlers.guards import OwnersOnly
from bot.handlers.membership import FOR_ADMINS, FOR_OWNERS
from bot.handlers.table import Handlers, buttons_of, command_name, commands_of
from bot.updates.authorship import KNOWN

HANDLERS = cast("Handlers", MagicMock())
ME = User(99, "Keepsake", is_bot=True, username="keepsake_bot")


class Keepsake(Bot):
    """Knows its own name without asking Telegram."""

    @property
    def bot(self) -> User:
        return ME


def test_every_known_command_is_in_the_table() -> None:
    names = [command.name for command in commands_of(HANDLERS)]
    assert set(names) == KNOWN
    assert len(names) == len(KNOWN)


def test_every_button_is_in_the_table() -> None:
    data = [route.data for route in buttons_of(HANDLERS)]
    assert set(data) == set(BUTTONS)
    assert len(data) == len(BUTTONS)


def test_the_menus_show_what_the_guards_admit() -> None:
    commands = commands_of(HANDLERS)
    assert {command.name for command in commands if command.admins} == FOR_ADMINS
    assert {command.name for command in commands if command.owners is not None} == FOR_OWNERS
    as_reply = {command.name for command in commands if command.owners is OwnersOnly.AND_AS_REPLY}
    assert as_reply == {"allow", "block"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/help", "help"),
        ("/Help now", "help"),
        ("/help@Keepsake_Bot", "help"),
        ("/help@other_bot", None),
        ("help /help", None),
        ("help", None),
    ],
)
def test_a_command_is_its_own_and_comes_first(text: str, name: str | None) -> None:
    at = text.find("/")
    entities = [MessageEntity(MessageEntity.BOT_COMMAND, at, len(text[at:].split()[0]))] if at >= 0 else ()
    message = Message(1, None, Chat(5, Chat.PRIVATE), text=text, entities=entities)  # type: ignore[arg-type]  # no date
    message.set_bot(Keepsake("1:x"))
    assert command_name(message) == name
