"""The list of users for owners and the shell: who has access, since when, who gave it, and what they used."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bot.access.access_requests import details, shown, whose
from bot.access.policy import AccessRules, Owners
from bot.language import grouped, texts
from storage.access_list import AccessEntry, AccessList, AccessStatus, Applicant
from storage.chats import Chats, KnownChat
from storage.records import Usage
from storage.usage import UsageLog

NOTHING = Usage(0, 0, 0)


class RosterReader:
    """Reads the list; `zone` is the time zone of the days shown."""

    def __init__(
        self, access: AccessList, chats: Chats, usage: UsageLog, rules: AccessRules, owners: Owners, zone: tzinfo
    ) -> None:
        self._access = access
        self._chats = chats
        self._usage = usage
        self._rules = rules
        self._owners = owners
        self._zone = zone

    async def read(self) -> "Roster":
        """Everyone's access as it is now."""
        return Roster(
            rules=self._rules,
            zone=self._zone,
            owners=frozenset(await self._owners.ids()),
            entries={entry.applicant.telegram_id: entry for entry in await self._access.having(*AccessStatus)},
            chats=await self._chats.known(),
            usage=await self._usage.by_telegram_chat() | await self._usage.by_user(),
        )


@dataclass(frozen=True, slots=True)
class Roster:
    """The list as it was read, keyed by Telegram IDs; those of groups are negative."""

    rules: AccessRules
    zone: tzinfo
    owners: frozenset[int]
    entries: dict[int, AccessEntry]
    chats: dict[int, KnownChat]
    usage: dict[int, Usage]
    """A person's usage is what they asked for in any chat, a group's what was used there."""

    @property
    def text(self) -> str:
        """The whole list, with a line for each person and group."""
        sections = (
            (texts.USERS_OWNERS, self.owners),
            (texts.USERS_PEOPLE, {number for number in self._others if number > 0}),
            (texts.USERS_GROUPS, {number for number in self._others if number < 0}),
            (texts.USERS_WAITING, self._with_status(AccessStatus.ASKING) - self._others if self.rules.asks else ()),
            (texts.USERS_DENIED, self._with_status(AccessStatus.DENIED) - self.owners - self._others),
            (texts.USERS_BLOCKED, self._blocked),
        )
        written = ["\n".join([name, *map(self._line, sorted(members))]) for name, members in sections if members]
        return "\n\n".join([texts.ACCESS_IS.format(mode=self.rules.mode), *written])

    def called(self, number: int) -> str:
        """A person or group as far as they are known: name, username and ID."""
        entry, chat = self.entries.get(number), self.chats.get(number)
        unnamed = Applicant(number, chat.name if chat and chat.name else "")
        return " · ".join(details(entry.applicant if entry and entry.applicant.name else unnamed))

    @property
    def literals(self) -> tuple[str, ...]:
        """The parts of the text that strangers chose, to be shown without formatting."""
        entries = self.entries.values()
        names = {entry.applicant.name for entry in entries} | {entry.decided_by.name for entry in entries}
        names |= {chat.name for chat in self.chats.values()}
        return tuple(shown(name) for name in names if name)

    @property
    def reachable(self) -> list[int]:
        """The chats with access that the bot can write to, as far as it knows: they wrote to it or asked for access."""
        return sorted(number for number in self.owners | self._others if self._can_write(number))

    @property
    def _others(self) -> frozenset[int]:
        """Everyone who has access and isn't an owner."""
        found = self.rules.named_ids
        if self.rules.mode == "open":
            found |= self.chats.keys()
        if not self.rules.is_list:
            found |= self._with_status(AccessStatus.ALLOWED)
        return found - self.owners - self._blocked

    @property
    def _blocked(self) -> frozenset[int]:
        return self._with_status(AccessStatus.BLOCKED) - self.owners

    def _with_status(self, status: AccessStatus) -> frozenset[int]:
        return frozenset(number for number, entry in self.entries.items() if entry.status is status)

    def _can_write(self, number: int) -> bool:
        if number in self.chats:
            return not (self.chats[number].gone or self.chats[number].direct)
        return number in self.entries and self.entries[number].asked_at is not None

    def _line(self, number: int) -> str:
        entry, chat = self.entries.get(number), self.chats.get(number)
        return f"• {self.called(number)}: {', '.join(self._facts(number, entry, chat))}"

    def _facts(self, number: int, entry: AccessEntry | None, chat: KnownChat | None) -> Iterator[str]:
        """Since when, given by whom, and tokens used. The settings override decisions, except that a block wins."""
        fixed = number in self.rules.owner_ids | (self.rules.allowed_ids - self._blocked)
        decided = entry is not None and entry.decided_at is not None
        if fixed:
            yield texts.GIVEN_BY.format(name=texts.THE_SETTINGS)
        elif entry is not None and (decided or self.rules.asks):
            yield from self._since(entry.decided_at or entry.asked_at)
            if decided:
                yield texts.GIVEN_BY.format(name=whose(entry.decided_by))
        else:
            yield from self._since(chat.began if chat else None)
            yield texts.GIVEN_BY.format(name=texts.OPEN_TO_ALL)
        used = self.usage.get(number, NOTHING)
        yield texts.TOKENS_USED.format(input=grouped(used.input), output=grouped(used.output))

    def _since(self, at: float | None) -> Iterable[str]:
        return [texts.SINCE.format(day=f"{datetime.fromtimestamp(at, self.zone):%Y-%m-%d}")] if at is not None else []
