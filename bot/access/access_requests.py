"""What owners read of strangers: names as data, one line each, in marks that no name can end.

Asking the owners, and what follows from their decision: all of it in the transaction of what caused it.

A stranger is one question, however often they knock. Whoever decides first has decided: an owner with a button or a
command, or the shell.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from bot.access.policy import Owners
from bot.inbound.sanitize import clean
from bot.language import chat_language, language_of, plural, speaking, texts
from storage import Storage, Transaction
from storage.access_list import AccessEntry, AccessStatus, Applicant, Decider
from storage.outbox import NOBODY_ALONE
from storage.records import Button, ChatKey, Notice

DENIED_DAYS = 7
"""After so many days someone who was denied may ask again."""
DAY_S = 86_400.0
MOST_REMINDED = 20
"""So many questions at once; the next time it is the next ones, and /users has them all."""
MOST_OPEN = 10
"""So many questions stand open with an owner before the next strangers are only counted, and asked about later."""
REMEMBERED_S = 30 * DAY_S
"""So long an owner can reply to a request that was decided."""
ANSWERS = {"allow": AccessStatus.ALLOWED, "deny": AccessStatus.DENIED, "block": AccessStatus.BLOCKED}
ANSWER = "access:"
"""How the data of the buttons begins; what to do, and the row's number, follow."""


def shown(name: str | None) -> str:
    """A name or a title that a stranger chose."""
    return f"“{re.sub('[“”„«»]', ' ', clean(name)).strip() or '?'}”"


def literals(guest: Applicant) -> tuple[str, ...]:
    """The words of a request that strangers chose."""
    return tuple(shown(name) for name in (guest.name, guest.brought_by) if name)


def request(guest: Applicant) -> str:
    """What owners are asked."""
    if not guest.is_person:
        by = f"{shown(guest.brought_by)}, {guest.bringer_id}" if guest.brought_by else texts.NOBODY_KNOWN
        return texts.REQUEST_GROUP.format(name=shown(guest.name), by=by, id=guest.telegram_id)
    username = f"@{guest.username}" if guest.username else texts.NO_USERNAME
    return texts.REQUEST_PERSON.format(name=shown(guest.name), username=username, id=guest.telegram_id)


def decision(entry: AccessEntry) -> str:
    """What was decided about someone, and by whom."""
    forms = {
        AccessStatus.ALLOWED: texts.ALLOWED_BY,
        AccessStatus.OWNER: texts.ALLOWED_BY,
        AccessStatus.DENIED: texts.DENIED_BY,
        AccessStatus.BLOCKED: texts.BLOCKED_BY,
    }
    form = forms.get(entry.standing, texts.STILL_ASKING)
    return form.format(name=whose(entry.decided_by))


def whose(decider: Decider) -> str:
    """Who decided."""
    return shown(decider.name) if decider.name else texts.THE_SHELL


def called(guest: Applicant) -> str:
    """Someone in a sentence."""
    return f"{shown(guest.name)} ({guest.telegram_id})" if guest.name else str(guest.telegram_id)


def details(guest: Applicant) -> Iterator[str]:
    """A person's or group's name, @username and id."""
    if guest.name:
        yield shown(guest.name)
    if guest.username:
        yield f"@{guest.username}"
    yield str(guest.telegram_id)


class AccessRequests:
    """Asks and decides; `clock` gives Unix seconds."""

    def __init__(self, storage: Storage, owners: Owners, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._owners = owners
        self._clock = clock

    async def ask(self, tx: Transaction, guest: Applicant) -> list[ChatKey] | None:
        """Ask the owners about someone; returns whom, and None when that was done before, or decided."""
        now = self._clock()
        entry = await self._storage.access.knock(tx, guest, now, now - DENIED_DAYS * DAY_S)
        if entry is None:
            return None
        places = [ChatKey(owner) for owner in await self._owners.ids(tx)]
        waiting = await self._storage.access.count(tx, AccessStatus.ASKING)
        for place in places:
            if len(await self._storage.notices.asked_about(tx, place)) < MOST_OPEN:
                await self._ask(tx, place, entry)
            elif _is_told(waiting):
                await self._count(tx, place, waiting)
        return places

    async def remind(self, tx: Transaction, owner_id: int) -> None:
        """Ask an owner about those who wait and whom they were not asked about: the first of them, if they are many."""
        place = ChatKey(owner_id)
        asked = await self._storage.notices.asked_about(tx, place)
        waiting = await self._storage.access.having(AccessStatus.ASKING, tx=tx)
        new = [one for one in waiting if one.id not in asked and one.guest.telegram_id != owner_id]
        for entry in new[:MOST_REMINDED]:
            await self._ask(tx, place, entry)

    async def _ask_next(self, tx: Transaction, owner_id: int, decided: AccessEntry) -> None:
        """A question is answered: the next one takes its place."""
        place = ChatKey(owner_id)
        asked = await self._storage.notices.asked_about(tx, place)
        waiting = await self._storage.access.having(AccessStatus.ASKING, tx=tx)
        known = {*asked, decided.id}
        new = [one for one in waiting if one.id not in known and one.guest.telegram_id != owner_id]
        for entry in new[: max(0, MOST_OPEN - len(asked))]:
            await self._ask(tx, place, entry)

    async def _count(self, tx: Transaction, place: ChatKey, waiting: int) -> None:
        """The counts before this one that are still on their way are not sent."""
        with speaking(await self._language(tx, place)):
            told = [plural(count, texts.REQUESTS_MORE) for count in range(MOST_OPEN, waiting) if _is_told(count)]
            await self._storage.notices.withdraw(tx, place, told)
            more = plural(waiting, texts.REQUESTS_MORE)
            await self._storage.notices.add(tx, Notice(place, True, more, about=NOBODY_ALONE))

    async def decide(
        self, tx: Transaction, number: int, standing: AccessStatus, by: Decider
    ) -> tuple[AccessEntry | None, list[ChatKey] | None]:
        """Decide about who asks: what stands now, and who is told; None when it was decided before."""
        changed = await self._storage.access.decide(tx, number, standing, by, self._clock())
        entry = await self._storage.access.seen(tx, number)
        if entry is None or not changed:
            return entry, None
        return entry, await self._follow(tx, entry, asked=True)

    async def put(
        self, tx: Transaction, guest: Applicant, standing: AccessStatus, by: Decider
    ) -> tuple[AccessEntry, list[ChatKey]]:
        """Decide about anybody, asked or not: what stands now, and who is told."""
        before = await self._storage.access.find(guest.telegram_id, tx)
        if before is not None and before.standing is standing:
            return before, []
        entry = await self._storage.access.put(tx, guest, standing, by, self._clock())
        asked = before is not None and before.asked_at is not None
        return entry, await self._follow(tx, entry, asked=asked)

    async def _ask(self, tx: Transaction, place: ChatKey, entry: AccessEntry) -> None:
        with speaking(await self._language(tx, place)):
            labels = zip((texts.ALLOW, texts.DENY, texts.BLOCK), ANSWERS, strict=True)
            buttons = tuple(Button(label, f"{ANSWER}{answer}:{entry.id}") for label, answer in labels)
            text = request(entry.guest)
        notice = Notice(place, True, text, buttons=buttons, literals=literals(entry.guest), about=entry.id)
        await self._storage.notices.add(tx, notice)

    async def _follow(self, tx: Transaction, entry: AccessEntry, *, asked: bool) -> list[ChatKey]:
        """What a decision brings with it."""
        here = ChatKey(entry.guest.telegram_id)
        if entry.standing is AccessStatus.ALLOWED:
            await self._storage.presence.came(tx, here.telegram_id)
        if entry.standing is AccessStatus.BLOCKED or (
            entry.standing is AccessStatus.DENIED and not entry.guest.is_person
        ):
            await self._storage.presence.left(tx, here.telegram_id)
            if not entry.guest.is_person:
                await self._storage.access.leave(tx, here.telegram_id)
        told = await self._tell(tx, here, entry) if asked else []
        return [*told, *await self._show(tx, entry)]

    async def _tell(self, tx: Transaction, here: ChatKey, entry: AccessEntry) -> list[ChatKey]:
        with speaking(await self._language(tx, here, entry.guest.language)):
            person = entry.guest.is_person
            told = {
                AccessStatus.ALLOWED: texts.LET_IN if person else texts.GROUP_LET_IN,
                AccessStatus.DENIED: texts.TURNED_AWAY.format(days=plural(DENIED_DAYS, texts.DAYS)) if person else "",
            }
        text = told.get(entry.standing, "")
        if text:
            await self._storage.notices.add(tx, Notice(here, entry.guest.is_person, text))
        return [here] if text else []

    async def _show(self, tx: Transaction, entry: AccessEntry) -> Sequence[ChatKey]:
        """Have the questions say what was decided; their buttons go."""
        open_requests = await self._storage.notices.end_requests(tx, entry.id, self._clock() + REMEMBERED_S)
        for owner_id, message_id in open_requests:
            await self._storage.notices.add(tx, await self.decided(entry, owner_id, message_id, tx))
            await self._ask_next(tx, owner_id, entry)
        return [ChatKey(owner_id) for owner_id, _ in open_requests]

    async def decided(
        self, entry: AccessEntry, owner_id: int, message_id: int, tx: Transaction | None = None
    ) -> Notice:
        """A question turned into what was decided."""
        with speaking(await self._language(tx, ChatKey(owner_id))):
            text = f"{request(entry.guest)}\n\n{texts.DECIDED.format(decision=decision(entry))}"
        decider = entry.decided_by.name
        words = (*literals(entry.guest), *((shown(decider),) if decider else ()))
        return Notice(ChatKey(owner_id), True, text, edits=message_id, literals=words)

    async def _language(self, tx: Transaction | None, place: ChatKey, code: str | None = None) -> str:
        """What is spoken there, or what an owner's apps speak who has not talked with the model yet."""
        chat = await self._storage.chats.find(place, tx)
        if chat is not None:
            return chat_language(chat, code)
        known = await self._storage.access.find(place.telegram_id, tx) if code is None else None
        return language_of(known.guest.language if known else code)


def _is_told(waiting: int) -> bool:
    """Whether an owner is told that so many wait: 11, 20, 40, 80 ..."""
    tens, rest = divmod(waiting, MOST_OPEN)
    return waiting == MOST_OPEN + 1 or (rest == 0 and tens > 1 and tens & (tens - 1) == 0)
