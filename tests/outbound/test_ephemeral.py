"""What is shown to one member of a group, or to all where Telegram refuses that."""

from unittest.mock import Mock

import pytest
from telegram.error import BadRequest

from bot.outbound.content import Destination, EphemeralAudience
from bot.outbound.ephemeral import BELIEVED_S, EphemeralMessages, Fields
from bot.outbound.refusals import Features

ONE = "ephemeral_message_parameters"


class Group:
    """A group where the bot is no administrator: what was sent there, and a clock that stands still."""

    def __init__(self) -> None:
        self.features = Features()
        self.seconds = 0.0
        self.sent: list[bool] = []
        self._ephemeral = EphemeralMessages(Mock(), self.features, lambda: self.seconds)

    async def send(self, receiver: int, *, strictly: bool = False) -> list[bool]:
        """Whether each try was for one member only."""
        alone, self.sent = EphemeralAudience(receiver, strictly=strictly), []
        await self._ephemeral.send(Destination(-1, private=False, alone=alone), alone, self._take)
        return self.sent

    async def _take(self, _: Destination, fields: Fields) -> int:
        self.sent.append(ONE in fields)
        if ONE in fields:
            raise BadRequest("CHAT_ADMIN_REQUIRED")
        return 5


async def test_a_refusal_is_believed_for_an_hour() -> None:
    group = Group()
    assert await group.send(1) == [True, False]
    assert await group.send(1) == [False]
    assert await group.send(2) == [True, False]
    group.seconds = BELIEVED_S
    assert await group.send(1) == [True, False]


async def test_refused_ephemeral_message_is_not_made_public() -> None:
    group = Group()
    with pytest.raises(BadRequest):
        await group.send(1, strictly=True)
    assert group.sent == [True]


async def test_what_is_believed_no_longer_is_forgotten() -> None:
    group = Group()
    for receiver in range(100):
        group.seconds = receiver * BELIEVED_S / 10
        await group.send(receiver)
    assert len(group.features.not_alone) <= 10
