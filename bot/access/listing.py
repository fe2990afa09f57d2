"""Who has access, since when, given by whom, and what they used: for owners, and for the shell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bot.access.door import Door
from bot.access.wording import details, shown, whose
from bot.language import texts
from storage import Storage
from storage.guests import Entry, Guest, Standing
from storage.records import Usage

NOTHING = Usage(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Admitted:
    """Somebody, or a group, as a line of the list."""

    guest: Guest
    since: float | None
    """In seconds since 1970 (UTC); None: not known."""
    by: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Listing:
    """Reads the list; days are those of `zone`."""

    storage: Storage
    door: Door
    zone: tzinfo

    async def text(self) -> str:
        """All of it, a line for each."""
        sections = [texts.ACCESS_IS.format(mode=self.door.mode)]
        for heading, members in await self._sections():
            if members:
                sections.append("\n".join([heading, *(self._line(one) for one in members)]))
        return "\n\n".join(sections)

    async def literals(self) -> tuple[str, ...]:
        """The words in it that strangers chose."""
        entries = await self.storage.access.having(*Standing)
        names = {name for entry in entries for name in (entry.guest.name, entry.decided_by.name) if name}
        return tuple(map(shown, sorted(names)))

    async def reachable(self) -> list[int]:
        """The chats that have access and where the bot can write, as far as it knows."""
        known = await self.storage.chats.known()
        asked = {entry.guest.telegram_id for entry in await self._let_in() if entry.asked_at is not None}
        blocked = {entry.guest.telegram_id for entry in await self.storage.access.having(Standing.BLOCKED)}
        if self.door.mode == "open":
            found = set(known)
        else:
            found = {one.guest.telegram_id for _, members in (await self._sections())[:3] for one in members}
        here = {
            number for number in found if (number in known and not known[number][1]) or number in asked - set(known)
        }
        return sorted(here - (blocked - self.door.owners.of_settings))

    async def _let_in(self) -> list[Entry]:
        if self.door.mode == "list":
            return []
        return await self.storage.access.having(Standing.OWNER, Standing.ALLOWED)

    async def _sections(self) -> Sequence[tuple[str, list[Admitted]]]:
        usage = await self.storage.usage.by_telegram_id()
        entries = {entry.guest.telegram_id: entry for entry in await self.storage.access.having(*Standing)}
        let_in = {entry.guest.telegram_id for entry in await self._let_in()}
        owners = set(await self.door.owners.ids())
        blocked = {number for number, entry in entries.items() if entry.standing is Standing.BLOCKED} - owners
        fixed = self.door.owners.of_settings | self.door.allowed
        talking = await self.storage.chats.known() if self.door.mode == "open" else {}
        others = (let_in | fixed | talking.keys()) - owners - blocked
        waiting = [number for number, entry in entries.items() if entry.standing is Standing.ASKING]

        def lines(numbers: Sequence[int]) -> list[Admitted]:
            began = {number: talking[number][0] for number in numbers if number in talking}
            return [
                self._member(number, entries.get(number), fixed, began.get(number), usage.get(number, NOTHING))
                for number in numbers
            ]

        return [
            (texts.USERS_OWNERS, lines(sorted(owners))),
            (texts.USERS_PEOPLE, lines(sorted(number for number in others if number > 0))),
            (texts.USERS_GROUPS, lines(sorted(number for number in others if number < 0))),
            (texts.USERS_WAITING, lines(waiting if self.door.asks else [])),
            (texts.USERS_BLOCKED, lines(sorted(blocked))),
        ]

    def _member(
        self, number: int, entry: Entry | None, fixed: frozenset[int], began: float | None, usage: Usage
    ) -> Admitted:
        """The settings stand above what was decided; without either the bot is open to all."""
        guest = entry.guest if entry else Guest(number)
        blocked = entry is not None and entry.standing is Standing.BLOCKED
        if number in fixed and not (blocked and number not in self.door.owners.of_settings):
            return Admitted(guest, None, texts.THE_SETTINGS, usage)
        if entry is None or (entry.decided_at is None and self.door.mode == "open"):
            return Admitted(guest, began, texts.OPEN_TO_ALL, usage)
        decided = entry.decided_at is not None
        by = whose(entry.decided_by) if decided else ""
        return Admitted(guest, entry.decided_at or entry.asked_at, by, usage)

    def _line(self, one: Admitted) -> str:
        return f"• {' · '.join(details(one.guest))}: {', '.join(self._facts(one))}"

    def _facts(self, one: Admitted) -> Iterator[str]:
        if one.since is not None:
            yield texts.SINCE.format(day=f"{datetime.fromtimestamp(one.since, self.zone):%Y-%m-%d}")
        if one.by:
            yield texts.GIVEN_BY.format(name=one.by)
        yield texts.TOKENS_USED.format(input=f"{one.usage.input:,}", output=f"{one.usage.output:,}")
