"""What only the bot's owners can put right, told to them once."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.access.owners import Owners
from bot.errors import ModelError, NoCredit, WrongKey
from bot.language import texts
from storage import Storage
from storage.records import Notice, Place


@dataclass(slots=True)
class Alarm:
    """Tells the owners when the model server refuses the key or the account, and again only after an answer came."""

    storage: Storage
    owners: Owners
    settle: Callable[[Place], None] = field(default=lambda _: None)
    """Has a conversation's notices sent; the lanes' own, once there are lanes."""
    told: set[type[ModelError]] = field(default_factory=set)

    async def hear(self, failure: ModelError | None) -> None:
        """What became of a request; None: an answer."""
        if failure is None:
            self.told.clear()
            return
        kind = next((kind for kind in (WrongKey, NoCredit) if isinstance(failure, kind)), None)
        if kind is None or kind in self.told:
            return
        self.told.add(kind)
        text = texts.OWNER_WRONG_KEY if kind is WrongKey else texts.OWNER_NO_CREDIT
        places = [Place(owner, 0) for owner in await self.owners.ids()]
        async with self.storage.transaction() as tx:
            for place in places:
                await self.storage.notices.add(tx, Notice(place, private=True, text=text))
        for place in places:
            self.settle(place)
