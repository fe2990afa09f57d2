"""Asking the owners about newcomers, and carrying out what they decide, in the transaction of the event that caused it.

Each applicant is asked about once, no matter how often they write. The first decision counts, whether an owner makes it
with a button or a command, or it is made in the shell. Names that strangers chose are shown as data: on one line, in
quotation marks that the name itself can't close.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bot.access.policy import Owners
from bot.inbound.sanitize import clean
from bot.language import chat_language, language_of, plural, speaking, texts
from storage import Transaction, presence
from storage.access_list import AccessEntry, AccessList, AccessStatus, Applicant, Decider
from storage.chats import Chats
from storage.outbox import NOBODY_ALONE, Outbox
from storage.records import Button, ChatKey, Notice

DENIED_DAYS = 7
"""How long someone who was denied has to wait before they may ask again."""
DAY_S = 86_400.0
MOST_REMINDED = 20
"""How many requests a reminder sends at most; the next reminder sends the next ones, and /users lists them all."""
MOST_OPEN = 10
"""How many requests an owner can have open; further applicants are only counted, and asked about later."""
MOST_WITHDRAWN = 100
"""How many smaller counts of waiting applicants may still be unsent."""
REMEMBERED_S = 30 * DAY_S
"""How long an owner can still reply to a request after it was decided."""
ANSWERS = {"allow": AccessStatus.ALLOWED, "deny": AccessStatus.DENIED, "block": AccessStatus.BLOCKED}
log = logging.getLogger(__name__)

ANSWER = "access:"
"""The prefix of the buttons' data; the answer and the row's ID follow."""


def shown(name: str | None) -> str:
    """A name or a title that a stranger chose, in quotation marks and on one line."""
    return f"“{re.sub('[“”„«»]', ' ', clean(name)).strip() or '?'}”"


def literals(applicant: Applicant) -> tuple[str, ...]:
    """The parts of a request that strangers chose, to be shown without formatting."""
    return tuple(shown(name) for name in (applicant.name, applicant.brought_by) if name)


def request(applicant: Applicant) -> str:
    """The question that the owners get."""
    if not applicant.is_person:
        by = f"{shown(applicant.brought_by)}, {applicant.bringer_id}" if applicant.brought_by else texts.NOBODY_KNOWN
        return texts.REQUEST_GROUP.format(name=shown(applicant.name), by=by, id=applicant.telegram_id)
    username = f"@{applicant.username}" if applicant.username else texts.NO_USERNAME
    return texts.REQUEST_PERSON.format(name=shown(applicant.name), username=username, id=applicant.telegram_id)


def decision(entry: AccessEntry) -> str:
    """A sentence that says what was decided, and by whom."""
    forms = {
        AccessStatus.ALLOWED: texts.ALLOWED_BY,
        AccessStatus.OWNER: texts.ALLOWED_BY,
        AccessStatus.DENIED: texts.DENIED_BY,
        AccessStatus.BLOCKED: texts.BLOCKED_BY,
    }
    form = forms.get(entry.status, texts.STILL_ASKING)
    return form.format(name=whose(entry.decided_by))


def whose(decider: Decider) -> str:
    return shown(decider.name) if decider.name else texts.THE_SHELL


def called(applicant: Applicant) -> str:
    """An applicant's name and ID, as part of a sentence."""
    return f"{shown(applicant.name)} ({applicant.telegram_id})" if applicant.name else str(applicant.telegram_id)


def details(applicant: Applicant) -> Iterator[str]:
    """A person's or group's name, @username and ID, as far as they are known."""
    if applicant.name:
        yield shown(applicant.name)
    if applicant.username:
        yield f"@{applicant.username}"
    yield str(applicant.telegram_id)


class AccessRequests:
    """Sends requests to the owners and stores decisions; `clock` gives Unix seconds."""

    def __init__(
        self, access: AccessList, chats: Chats, outbox: Outbox, owners: Owners, clock: Callable[[], float]
    ) -> None:
        self._access = access
        self._chats = chats
        self._outbox = outbox
        self._owners = owners
        self._clock = clock

    async def ask(self, tx: Transaction, applicant: Applicant) -> list[ChatKey] | None:
        """Ask the owners about an applicant; returns their chats, or None if the request is already open or decided."""
        now = self._clock()
        await self._access.lock(tx)
        entry = await self._access.request_access(tx, applicant, now, now - DENIED_DAYS * DAY_S)
        if entry is None:
            return None
        keys = [ChatKey(owner) for owner in await self._owners.ids(tx)]
        waiting = await self._access.count(tx, AccessStatus.ASKING)
        brought = await self._access.brought_by(tx, applicant.bringer_id) if applicant.bringer_id else 1
        for key in keys:
            if brought > 1:  # one request per person who brings groups, and a digest of the others
                if brought & (brought - 1) == 0:
                    await self._announce(tx, key, waiting)
            elif len(await self._outbox.asked_about(tx, key)) < MOST_OPEN:
                await self._ask(tx, key, entry)
            elif _is_announced(waiting):
                await self._announce(tx, key, waiting)
        return keys

    async def remind(self, tx: Transaction, owner_id: int) -> None:
        """Ask an owner about pending applicants they have not been asked about, MOST_REMINDED of them at most."""
        key = ChatKey(owner_id)
        await self._access.lock(tx)
        asked = await self._outbox.asked_about(tx, key)
        waiting = await self._access.having(AccessStatus.ASKING, tx=tx)
        new = [entry for entry in waiting if entry.id not in asked and entry.applicant.telegram_id != owner_id]
        for entry in new[:MOST_REMINDED]:
            await self._ask(tx, key, entry)

    async def _ask_next(self, tx: Transaction, owner_id: int, decided: AccessEntry) -> None:
        """Send the next request in place of the one that was decided."""
        key = ChatKey(owner_id)
        asked = await self._outbox.asked_about(tx, key)
        waiting = await self._access.having(AccessStatus.ASKING, tx=tx)
        known = {*asked, decided.id}
        new = [entry for entry in waiting if entry.id not in known and entry.applicant.telegram_id != owner_id]
        bringers = {entry.applicant.bringer_id for entry in waiting if entry.id in asked} - {None}
        for entry in new[: max(0, MOST_OPEN - len(asked))]:
            if entry.applicant.bringer_id not in bringers:
                await self._ask(tx, key, entry)
            bringers |= {entry.applicant.bringer_id} - {None}

    async def _announce(self, tx: Transaction, key: ChatKey, waiting: int) -> None:
        """Tell an owner how many are waiting; earlier counts that have not been sent yet are withdrawn."""
        with speaking(await self._language(tx, key)):
            earlier = [plural(n, texts.REQUESTS_MORE) for n in range(max(2, waiting - MOST_WITHDRAWN), waiting)]
            await self._outbox.withdraw(tx, key, earlier)
            more = plural(waiting, texts.REQUESTS_MORE)
            await self._outbox.add(tx, Notice(key, True, more, about=NOBODY_ALONE))

    async def decide(
        self, tx: Transaction, number: int, status: AccessStatus, by: Decider
    ) -> tuple[AccessEntry | None, list[ChatKey] | None]:
        """Decide a request: returns its entry as it is now, and the chats to notify, or None if it had been decided."""
        await self._access.lock(tx)
        changed = await self._access.decide(tx, number, status, by, self._clock())
        entry = await self._access.seen(tx, number)
        if entry is None or not changed:
            return entry, None
        return entry, await self._follow(tx, entry, asked=True)

    async def put(
        self, tx: Transaction, applicant: Applicant, status: AccessStatus, by: Decider
    ) -> tuple[AccessEntry, list[ChatKey]]:
        """Decide about anyone, whether they asked or not: returns their entry as it is now, and the chats to notify."""
        await self._access.lock(tx)
        before = await self._access.find(applicant.telegram_id, tx)
        if before is not None and before.status is status:
            return before, []
        entry = await self._access.put(tx, applicant, status, by, self._clock())
        asked = before is not None and before.asked_at is not None
        return entry, await self._follow(tx, entry, asked=asked)

    async def _ask(self, tx: Transaction, key: ChatKey, entry: AccessEntry) -> None:
        with speaking(await self._language(tx, key)):
            labels = zip((texts.ALLOW, texts.DENY, texts.BLOCK), ANSWERS, strict=True)
            buttons = tuple(Button(label, f"{ANSWER}{answer}:{entry.id}") for label, answer in labels)
            text = request(entry.applicant)
        notice = Notice(key, True, text, buttons=buttons, literals=literals(entry.applicant), about=entry.id)
        await self._outbox.add(tx, notice)

    async def _follow(self, tx: Transaction, entry: AccessEntry, *, asked: bool) -> list[ChatKey]:
        """Carry out a decision; returns the chats to notify."""
        here = ChatKey(entry.applicant.telegram_id)
        tx.after_commit.append(partial(_log_decision, entry))
        if entry.status is AccessStatus.ALLOWED:
            await presence.came(tx, here.telegram_id)
        if entry.status is AccessStatus.BLOCKED or (
            entry.status is AccessStatus.DENIED and not entry.applicant.is_person
        ):
            await presence.left(tx, here.telegram_id)
            if not entry.applicant.is_person:
                await self._access.leave(tx, here.telegram_id)
        notified = await self._notify_applicant(tx, here, entry) if asked else []
        return [*notified, *await self._update_requests(tx, entry)]

    async def _notify_applicant(self, tx: Transaction, here: ChatKey, entry: AccessEntry) -> list[ChatKey]:
        with speaking(await self._language(tx, here, entry.applicant.language)):
            person = entry.applicant.is_person
            answers = {
                AccessStatus.ALLOWED: texts.LET_IN if person else texts.GROUP_LET_IN,
                AccessStatus.DENIED: texts.TURNED_AWAY.format(days=plural(DENIED_DAYS, texts.DAYS)) if person else "",
            }
        text = answers.get(entry.status, "")
        if text:
            await self._outbox.add(tx, Notice(here, entry.applicant.is_person, text))
        return [here] if text else []

    async def _update_requests(self, tx: Transaction, entry: AccessEntry) -> Sequence[ChatKey]:
        """Write the decision into the owners' requests and drop their buttons; returns those owners' chats."""
        open_requests = await self._outbox.end_requests(tx, entry.id, self._clock() + REMEMBERED_S)
        for owner_id, message_id in open_requests:
            await self._outbox.add(tx, await self.decided(entry, owner_id, message_id, tx))
            await self._ask_next(tx, owner_id, entry)
        return [ChatKey(owner_id) for owner_id, _ in open_requests]

    async def decided(
        self, entry: AccessEntry, owner_id: int, message_id: int, tx: Transaction | None = None
    ) -> Notice:
        """The edit that turns a request in an owner's chat into what was decided."""
        with speaking(await self._language(tx, ChatKey(owner_id))):
            text = f"{request(entry.applicant)}\n\n{texts.DECIDED.format(decision=decision(entry))}"
        decider = entry.decided_by.name
        words = (*literals(entry.applicant), *((shown(decider),) if decider else ()))
        return Notice(ChatKey(owner_id), True, text, edits=message_id, literals=words)

    async def _language(self, tx: Transaction | None, key: ChatKey, code: str | None = None) -> str:
        """The chat's language, or that of the person's apps if they have not talked to the model yet."""
        chat = await self._chats.find(key, tx)
        if chat is not None:
            return chat_language(chat, code)
        known = await self._access.find(key.telegram_id, tx) if code is None else None
        return language_of(known.applicant.language if known else code)


def _log_decision(entry: AccessEntry) -> None:
    by, about = entry.decided_by.user_id, entry.applicant.telegram_id
    log.info(
        "%s: %s %d is %s",
        *("The shell decides" if by is None else f"Owner {by} decides", _kind(entry.applicant)),
        *(about, entry.status),
        extra={"fields": {"owner": by, "about": about, "decision": str(entry.status)}},
    )


def _kind(applicant: Applicant) -> str:
    return "person" if applicant.is_person else "group"


def _is_announced(waiting: int) -> bool:
    """Whether the owners get a notice when this many are waiting: 11, 20, 40, 80 ..."""
    tens, rest = divmod(waiting, MOST_OPEN)
    return waiting == MOST_OPEN + 1 or (rest == 0 and tens > 1 and tens & (tens - 1) == 0)
