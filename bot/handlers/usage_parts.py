"""What counted where: a chat's tokens by model and kind of request, and for owners the tokens of each chat."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from bot.access.policy import Owners
from bot.access.roster import RosterReader
from bot.conversation.budget import Budget, ModelRole
from bot.handlers.context import MessageContext
from bot.handlers.notices import is_private
from bot.language import grouped, texts
from storage.records import ModelUsage, Usage
from storage.usage import UsageLog

MOST_CHATS = 10
"""How many chats are listed by name."""


class UsageParts:
    """Lists what counted; `roles` are those of models that don't answer."""

    def __init__(
        self, usage: UsageLog, budget: Budget, roster: RosterReader, owners: Owners, roles: Mapping[str, ModelRole]
    ) -> None:
        self._usage = usage
        self._budget = budget
        self._roster = roster
        self._owners = owners
        self._roles = roles

    async def of_chat(self, chat_id: int, first: date, last: date) -> list[str]:
        """Lines about a chat's models; none if a single one has only answered."""
        models = await self._usage.by_model(chat_id, first, last)
        if len(models) < 2 and all(model.requests == model.turns for model in models):
            return []
        return [texts.USAGE_PARTS, *(" · ".join([f"• {one.model}", *self._facts(one)]) for one in models)]

    def _facts(self, used: ModelUsage) -> Iterator[str]:
        role = self._roles.get(used.model)
        if role is not None and not used.turns:
            yield texts.USAGE_MEANING if role is ModelRole.MEANING else texts.USAGE_VOICE
        else:
            yield texts.USAGE_ANSWERS.format(count=grouped(used.turns))
            if used.requests > used.turns:
                yield texts.USAGE_OTHERS.format(count=grouped(used.requests - used.turns))
        yield self._tokens({used.model: used.usage})

    async def of_all(self, update: MessageContext, first: date, last: date) -> tuple[list[str], Collection[str]]:
        """Lines about each chat, for an owner in private; and the names in them, to be shown without formatting."""
        message = update.message
        if update.user is None or not is_private(message) or not await self._owners.has(update.user.id):
            return [], ()
        chats = sorted((await self._usage.by_chat(first, last)).items(), key=lambda one: -_total(one[1]))
        if len(chats) < 2:
            return [], ()
        roster = await self._roster.read()
        lines = [f"• {roster.called(number)} · {self._tokens(used)}" for number, used in chats[:MOST_CHATS]]
        rest = chats[MOST_CHATS:]
        if rest:
            lines.append(f"• … ({grouped(len(rest))}) · {self._tokens(_sum(used for _, used in rest))}")
        return [texts.USAGE_CHATS, *lines], roster.literals

    def _tokens(self, used: Mapping[str, Usage]) -> str:
        total = sum(used.values(), Usage(0, 0, 0))
        tokens = texts.TOKENS_USED.format(input=grouped(total.input), output=grouped(total.output))
        money = self._budget.money(used)
        return tokens if money is None else f"{tokens} · {money.exact}"


def _total(used: Mapping[str, Usage]) -> int:
    return sum(usage.input + usage.output for usage in used.values())


def _sum(chats: Iterator[Mapping[str, Usage]]) -> dict[str, Usage]:
    summed: dict[str, Usage] = {}
    for used in chats:
        for model, usage in used.items():
            summed[model] = summed.get(model, Usage(0, 0, 0)) + usage
    return summed
