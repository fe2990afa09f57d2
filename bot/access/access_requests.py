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
from storage import Storage, Transaction, presence
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


def literals(applicant: Applicant) -> tuple[str, ...]:
    """The words of a request that strangers chose."""
    return tuple(shown(name) for name in (applicant.name, applicant.brought_by) if name)


def request(applicant: Applicant) -> str:
    """What owners are asked."""
    if not applicant.is_person:
        by = f"{shown(applicant.brought_by)}, {applicant.bringer_id}" if applicant.brought_by else texts.NOBODY_KNOWN
        return texts.REQUEST_GROUP.format(name=shown(applicant.name), by=by, id=applicant.telegram_id)
    username = f"@{applicant.username}" if applicant.username else texts.NO_USERNAME
    return texts.REQUEST_PERSON.format(name=shown(applicant.name), username=username, id=applicant.telegram_id)


def decision(entry: AccessEntry) -> str:
    """What was decided about someone, and by whom."""
    forms = {
        AccessStatus.ALLOWED: texts.ALLOWED_BY,
        AccessStatus.OWNER: texts.ALLOWED_BY,
        AccessStatus.DENIED: texts.DENIED_BY,
        AccessStatus.BLOCKED: texts.BLOCKED_BY,
    }
    form = forms.get(entry.status, texts.STILL_ASKING)
    return form.format(name=whose(entry.decided_by))


def whose(decider: Decider) -> str:
    """Who decided."""
    return shown(decider.name) if decider.name else texts.THE_SHELL


def called(applicant: Applicant) -> str:
    """Someone in a sentence."""
    return f"{shown(applicant.name)} ({applicant.telegram_id})" if applicant.name else str(applicant.telegram_id)


def details(applicant: Applicant) -> Iterator[str]:
    """A person's or group's name, @username and id."""
    if applicant.name:
        yield shown(applicant.name)
    if applicant.username:
        yield f"@{applicant.username}"
    yield str(applicant.telegram_id)


class AccessRequests:
    """Asks and decides; `clock` gives Unix seconds."""

    def __init__(self, storage: Storage, owners: Owners, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._owners = owners
        self._clock = clock

    async def ask(self, tx: Transaction, applicant: Applicant) -> list[ChatKey] | None:
        """Ask the owners about someone; returns whom, and None when that was done before, or decided."""
        now = self._clock()
        entry = await self._storage.access.knock(tx, applicant, now, now - DENIED_DAYS * DAY_S)
        if entry is None:
            return None
        keys = [ChatKey(owner) for owner in await self._owners.ids(tx)]
        waiting = await self._storage.access.count(tx, AccessStatus.ASKING)
        for key in keys:
            if len(await self._storage.notices.asked_about(tx, key)) < MOST_OPEN:
                await self._ask(tx, key, entry)
            elif _is_told(waiting):
                await self._count(tx, key, waiting)
        return keys

    async def remind(self, tx: Transaction, owner_id: int) -> None:
        """Ask an owner about those who wait and whom they were not asked about: the first of them, if they are many."""
        key = ChatKey(owner_id)
        asked = await self._storage.notices.asked_about(tx, key)
        waiting = await self._storage.access.having(AccessStatus.ASKING, tx=tx)
        new = [one for one in waiting if one.id not in asked and one.applicant.telegram_id != owner_id]
        for entry in new[:MOST_REMINDED]:
            await self._ask(tx, key, entry)

    async def _ask_next(self, tx: Transaction, owner_id: int, decided: AccessEntry) -> None:
        """A question is answered: the next one takes its place."""
        key = ChatKey(owner_id)
        asked = await self._storage.notices.asked_about(tx, key)
        waiting = await self._storage.access.having(AccessStatus.ASKING, tx=tx)
        known = {*asked, decided.id}
        new = [one for one in waiting if one.id not in known and one.applicant.telegram_id != owner_id]
        for entry in new[: max(0, MOST_OPEN - len(asked))]:
            await self._ask(tx, key, entry)

    async def _count(self, tx: Transaction, key: ChatKey, waiting: int) -> None:
        """The counts before this one that are still on their way are not sent."""
        with speaking(await self._language(tx, key)):
            told = [plural(count, texts.REQUESTS_MORE) for count in range(MOST_OPEN, waiting) if _is_told(count)]
            await self._storage.notices.withdraw(tx, key, told)
            more = plural(waiting, texts.REQUESTS_MORE)
            await self._storage.notices.add(tx, Notice(key, True, more, about=NOBODY_ALONE))

    async def decide(
        self, tx: Transaction, number: int, status: AccessStatus, by: Decider
    ) -> tuple[AccessEntry | None, list[ChatKey] | None]:
        """Decide about who asks: what stands now, and who is told; None when it was decided before."""
        changed = await self._storage.access.decide(tx, number, status, by, self._clock())
        entry = await self._storage.access.seen(tx, number)
        if entry is None or not changed:
            return entry, None
        return entry, await self._follow(tx, entry, asked=True)

    async def put(
        self, tx: Transaction, applicant: Applicant, status: AccessStatus, by: Decider
    ) -> tuple[AccessEntry, list[ChatKey]]:
        """Decide about anybody, asked or not: what stands now, and who is told."""
        before = await self._storage.access.find(applicant.telegram_id, tx)
        if before is not None and before.status is status:
            return before, []
        entry = await self._storage.access.put(tx, applicant, status, by, self._clock())
        asked = before is not None and before.asked_at is not None
        return entry, await self._follow(tx, entry, asked=asked)

    async def _ask(self, tx: Transaction, key: ChatKey, entry: AccessEntry) -> None:
        with speaking(await self._language(tx, key)):
            labels = zip((texts.ALLOW, texts.DENY, texts.BLOCK), ANSWERS, strict=True)
            buttons = tuple(Button(label, f"{ANSWER}{answer}:{entry.id}") for label, answer in labels)
            text = request(entry.applicant)
        notice = Notice(key, True, text, buttons=buttons, literals=literals(entry.applicant), about=entry.id)
        await self._storage.notices.add(tx, notice)

    async def _follow(self, tx: Transaction, entry: AccessEntry, *, asked: bool) -> list[ChatKey]:
        """What a decision brings with it."""
        here = ChatKey(entry.applicant.telegram_id)
        if entry.status is AccessStatus.ALLOWED:
            await presence.came(tx, here.telegram_id)
        if entry.status is AccessStatus.BLOCKED or (
            entry.status is AccessStatus.DENIED and not entry.applicant.is_person
        ):
            await presence.left(tx, here.telegram_id)
            if not entry.applicant.is_person:
                await self._storage.access.leave(tx, here.telegram_id)
        told = await self._tell(tx, here, entry) if asked else []
        return [*told, *await self._show(tx, entry)]

    async def _tell(self, tx: Transaction, here: ChatKey, entry: AccessEntry) -> list[ChatKey]:
        with speaking(await self._language(tx, here, entry.applicant.language)):
            person = entry.applicant.is_person
            told = {
                AccessStatus.ALLOWED: texts.LET_IN if person else texts.GROUP_LET_IN,
                AccessStatus.DENIED: texts.TURNED_AWAY.format(days=plural(DENIED_DAYS, texts.DAYS)) if person else "",
            }
        text = told.get(entry.status, "")
        if text:
            await self._storage.notices.add(tx, Notice(here, entry.applicant.is_person, text))
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
            text = f"{request(entry.applicant)}\n\n{texts.DECIDED.format(decision=decision(entry))}"
        decider = entry.decided_by.name
        words = (*literals(entry.applicant), *((shown(decider),) if decider else ()))
        return Notice(ChatKey(owner_id), True, text, edits=message_id, literals=words)

    async def _language(self, tx: Transaction | None, key: ChatKey, code: str | None = None) -> str:
        """What is spoken there, or what an owner's apps speak who has not talked with the model yet."""
        chat = await self._storage.chats.find(key, tx)
        if chat is not None:
            return chat_language(chat, code)
        known = await self._storage.access.find(key.telegram_id, tx) if code is None else None
        return language_of(known.applicant.language if known else code)


def _is_told(waiting: int) -> bool:
    """Whether an owner is told that so many wait: 11, 20, 40, 80 ..."""
    tens, rest = divmod(waiting, MOST_OPEN)
    return waiting == MOST_OPEN + 1 or (rest == 0 and tens > 1 and tens & (tens - 1) == 0)
