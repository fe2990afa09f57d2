"""The one-time link: ``/start`` with its code makes whoever says it first an owner.

The code goes no further than here: only its hash is stored, and the update that held it is blanked.
"""

from collections.abc import Callable
from dataclasses import dataclass

from telegram import Message, Update, User

from bot.access.owners import digest
from bot.access.requests import Requests
from bot.handlers.notices import answer, argument, is_private
from bot.intake.arrival import Burst
from bot.language import texts
from storage import Storage
from storage.guests import SHELL, Guest, LinkState, Standing
from storage.records import Place

COMMAND = "/start"


@dataclass(frozen=True, slots=True)
class Claims:
    """Hears codes; `settle` has a conversation's notices sent, `clock` gives Unix seconds."""

    storage: Storage
    requests: Requests
    settle: Callable[[Place], None]
    clock: Callable[[], float]

    async def attempt(self, update: Update | Burst) -> bool:
        """Whether this was a code of ours; then it is handled."""
        message = update.message if isinstance(update, Update) else None
        if message is None or message.from_user is None or not self.requests.owners.stored:
            return False
        code = _code(message)
        if not code or not await self.storage.owner_links.knows(digest(code)):
            return False
        assert isinstance(update, Update), "bursts hold no commands"
        await self._claim(update.update_id, message, message.from_user, code)
        return True

    async def remind(self, message: Message | None) -> None:
        """An owner has come: ask about those who came when there was no owner, or none that could be written to."""
        user = message.from_user if message is not None and is_private(message) else None
        if user is not None and await self.requests.owners.has(user.id):
            async with self.storage.transaction() as tx:
                await self.requests.remind(tx, user.id)

    async def _claim(self, update_id: int, message: Message, user: User, code: str) -> None:
        told: list[Place] = []
        async with self.storage.transaction() as tx:
            state = await self.storage.owner_links.claim(tx, digest(code), user.id, self.clock())
            if state is LinkState.CLAIMED:
                guest = Guest(user.id, user.full_name, user.username, user.language_code)
                _, told = await self.requests.put(tx, guest, Standing.OWNER, SHELL)
                await self.requests.remind(tx, user.id)
            sentences = {
                LinkState.CLAIMED: texts.OWNER_NOW,
                LinkState.USED: texts.OWNER_LINK_USED,
                LinkState.EXPIRED: texts.OWNER_LINK_EXPIRED,
            }
            await self.storage.notices.add(tx, answer(message, sentences[state]))
            await self.storage.inbox.done(tx, [update_id])
            await self.storage.inbox.blank(tx, [update_id])
        for place in told:
            self.settle(place)


def _code(message: Message) -> str:
    command = (message.text or "").partition(" ")[0].partition("@")[0].lower()
    return argument(message) if is_private(message) and command == COMMAND else ""
