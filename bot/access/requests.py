"""Asking the owners, and what follows from their decision: all of it in the transaction of what caused it.

A stranger is one question, however often they knock. Whoever decides first has decided: an owner with a button or a
command, or the shell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.access.owners import Owners
from bot.access.wording import decision, literals, request, shown
from bot.chat_language import chat_language
from bot.language import language_of, plural, speaking, texts
from storage import Storage, Transaction
from storage.guests import Decider, Entry, Guest, Standing
from storage.notices import NOBODY_ALONE
from storage.records import Button, Notice, Place

DENIED_DAYS = 7
"""After so many days somebody who was denied may ask again."""
DAY_S = 86_400.0
MOST_REMINDED = 20
"""So many questions at once; the next time it is the next ones, and /users has them all."""
MOST_OPEN = 10
"""So many questions stand open with an owner before the next strangers are only counted, and asked about later."""
REMEMBERED_S = 30 * DAY_S
"""So long an owner can reply to a request that was decided."""
ANSWERS = {"allow": Standing.ALLOWED, "deny": Standing.DENIED, "block": Standing.BLOCKED}
ANSWER = "access:"
"""How the data of the buttons begins; what to do, and the row's number, follow."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Asks and decides; `clock` gives Unix seconds."""

    storage: Storage
    owners: Owners
    clock: Callable[[], float]

    async def ask(self, tx: Transaction, guest: Guest) -> list[Place] | None:
        """Ask the owners about somebody; returns whom, and None when that was done before, or decided."""
        now = self.clock()
        entry = await self.storage.access.knock(tx, guest, now, now - DENIED_DAYS * DAY_S)
        if entry is None:
            return None
        places = [Place(owner) for owner in await self.owners.ids()]
        waiting = await self.storage.access.count(tx, Standing.ASKING)
        for place in places:
            if len(await self.storage.notices.asked_about(tx, place)) < MOST_OPEN:
                await self._ask(tx, place, entry)
            elif _is_told(waiting):
                await self._count(tx, place, waiting)
        return places

    async def remind(self, tx: Transaction, owner_id: int) -> None:
        """Ask an owner about those who wait and whom they were not asked about: the first of them, if they are many."""
        place = Place(owner_id)
        asked = await self.storage.notices.asked_about(tx, place)
        waiting = await self.storage.access.having(Standing.ASKING)
        new = [one for one in waiting if one.id not in asked and one.guest.telegram_id != owner_id]
        for entry in new[:MOST_REMINDED]:
            await self._ask(tx, place, entry)

    async def _ask_next(self, tx: Transaction, owner_id: int, decided: Entry) -> None:
        """A question is answered: the next one takes its place."""
        place = Place(owner_id)
        asked = await self.storage.notices.asked_about(tx, place)
        waiting = await self.storage.access.having(Standing.ASKING)
        known = {*asked, decided.id}
        new = [one for one in waiting if one.id not in known and one.guest.telegram_id != owner_id]
        for entry in new[: max(0, MOST_OPEN - len(asked))]:
            await self._ask(tx, place, entry)

    async def _count(self, tx: Transaction, place: Place, waiting: int) -> None:
        """The counts before this one that are still on their way are not sent."""
        with speaking(await self._language(place)):
            told = [plural(count, texts.REQUESTS_MORE) for count in range(MOST_OPEN, waiting) if _is_told(count)]
            await self.storage.notices.withdraw(tx, place, told)
            more = plural(waiting, texts.REQUESTS_MORE)
            await self.storage.notices.add(tx, Notice(place, True, more, about=NOBODY_ALONE))

    async def decide(
        self, tx: Transaction, number: int, standing: Standing, by: Decider
    ) -> tuple[Entry | None, list[Place] | None]:
        """Decide about who asks: what stands now, and who is told; None when it was decided before."""
        changed = await self.storage.access.decide(tx, number, standing, by, self.clock())
        entry = await self.storage.access.seen(tx, number)
        if entry is None or not changed:
            return entry, None
        return entry, await self._follow(tx, entry, asked=True)

    async def put(self, tx: Transaction, guest: Guest, standing: Standing, by: Decider) -> tuple[Entry, list[Place]]:
        """Decide about anybody, asked or not: what stands now, and who is told."""
        before = await self.storage.access.seen_of(tx, guest.telegram_id)
        if before is not None and before.standing is standing:
            return before, []
        entry = await self.storage.access.put(tx, guest, standing, by, self.clock())
        asked = before is not None and before.asked_at is not None
        return entry, await self._follow(tx, entry, asked=asked)

    async def _ask(self, tx: Transaction, place: Place, entry: Entry) -> None:
        with speaking(await self._language(place)):
            labels = zip((texts.ALLOW, texts.DENY, texts.BLOCK), ANSWERS, strict=True)
            buttons = tuple(Button(label, f"{ANSWER}{answer}:{entry.id}") for label, answer in labels)
            text = request(entry.guest)
        notice = Notice(place, True, text, buttons=buttons, literals=literals(entry.guest), about=entry.id)
        await self.storage.notices.add(tx, notice)

    async def _follow(self, tx: Transaction, entry: Entry, *, asked: bool) -> list[Place]:
        """What a decision brings with it."""
        here = Place(entry.guest.telegram_id)
        if entry.standing is Standing.ALLOWED:
            await self.storage.presence.came(tx, here.telegram_id)
        if entry.standing is Standing.BLOCKED or (entry.standing is Standing.DENIED and not entry.guest.is_person):
            await self.storage.presence.left(tx, here.telegram_id)
            if not entry.guest.is_person:
                await self.storage.access.leave(tx, here.telegram_id)
        told = await self._tell(tx, here, entry) if asked else []
        return [*told, *await self._show(tx, entry)]

    async def _tell(self, tx: Transaction, here: Place, entry: Entry) -> list[Place]:
        with speaking(await self._language(here, entry.guest.language)):
            person = entry.guest.is_person
            told = {
                Standing.ALLOWED: texts.LET_IN if person else texts.GROUP_LET_IN,
                Standing.DENIED: texts.TURNED_AWAY.format(days=plural(DENIED_DAYS, texts.DAYS)) if person else "",
            }
        text = told.get(entry.standing, "")
        if text:
            await self.storage.notices.add(tx, Notice(here, entry.guest.is_person, text))
        return [here] if text else []

    async def _show(self, tx: Transaction, entry: Entry) -> Sequence[Place]:
        """Have the questions say what was decided; their buttons go."""
        open_requests = await self.storage.notices.end_requests(tx, entry.id, self.clock() + REMEMBERED_S)
        for owner_id, message_id in open_requests:
            await self.storage.notices.add(tx, await self.decided(entry, owner_id, message_id))
            await self._ask_next(tx, owner_id, entry)
        return [Place(owner_id) for owner_id, _ in open_requests]

    async def decided(self, entry: Entry, owner_id: int, message_id: int) -> Notice:
        """A question turned into what was decided."""
        with speaking(await self._language(Place(owner_id))):
            text = f"{request(entry.guest)}\n\n{texts.DECIDED.format(decision=decision(entry))}"
        decider = entry.decided_by.name
        words = (*literals(entry.guest), *((shown(decider),) if decider else ()))
        return Notice(Place(owner_id), True, text, edits=message_id, literals=words)

    async def _language(self, place: Place, code: str | None = None) -> str:
        """What is spoken there, or what an owner's apps speak who has not talked with the model yet."""
        chat = await self.storage.chats.find(place)
        if chat is not None:
            return chat_language(chat, code)
        known = await self.storage.access.find(place.telegram_id) if code is None else None
        return language_of(known.guest.language if known else code)


def _is_told(waiting: int) -> bool:
    """Whether an owner is told that so many wait: 11, 20, 40, 80 ..."""
    tens, rest = divmod(waiting, MOST_OPEN)
    return waiting == MOST_OPEN + 1 or (rest == 0 and tens > 1 and tens & (tens - 1) == 0)
