"""``/budget``, by which owners see and set daily budgets, and the warnings when a budget is nearly used up."""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator

from bot.access.roster import Roster, RosterReader
from bot.conversation.budget import NEARLY, OFF, Budget, Scope, Share
from bot.errors import BudgetSpent, UserBudgetSpent
from bot.handlers.context import MessageContext, argument
from bot.handlers.notices import answer
from bot.language import grouped, percent, sentence, texts
from bot.pricing import Amount
from storage import Storage
from storage.records import Chat, ChatKey, Notice

log = logging.getLogger(__name__)

DEFAULT = "default"
_ID = re.compile(r"-?\d{1,18}")


class BudgetHandlers:
    """Shows and sets budgets. `unpriced` returns a model that has no price in a currency, or None if all have one."""

    def __init__(self, budget: Budget, roster: RosterReader, unpriced: Callable[[str], str | None]) -> None:
        self._budget = budget
        self._roster = roster
        self._unpriced = unpriced

    async def show_or_set(self, update: MessageContext) -> None:
        """``/budget``, ``/budget user 200k``, ``/budget 12345 off``."""
        roster, by = await self._roster.read(), update.user.id if update.user is not None else 0
        text = await self._text(argument(update.message).split(maxsplit=1), roster, by)
        await update.say(answer(update.message, text, literals=roster.literals))

    async def _text(self, words: list[str], roster: Roster, by: int) -> str:
        if not words:
            return await self._shown(roster)
        whose = _whose(words[0])
        if whose is None or len(words) < 2:
            return texts.BUDGET_HOW
        scope, number = whose
        wanted = words[1].strip().lower()
        if wanted in (OFF, DEFAULT):
            await self._budget.set(scope, number, None, back=wanted == DEFAULT)
            _log_decision(by, scope, number, wanted)
            return await self._shown(roster)
        try:
            amount = Amount.parse(words[1])
        except ValueError:
            return texts.BUDGET_HOW
        if amount.currency and (model := self._unpriced(amount.currency)) is not None:
            return texts.BUDGET_UNPRICED.format(model=model, currency=amount.currency)
        await self._budget.set(scope, number, amount)
        _log_decision(by, scope, number, amount.written)
        return await self._shown(roster)

    async def _shown(self, roster: Roster) -> str:
        lines = [texts.BUDGET_USER.format(amount=self._amount(Scope.USER))]
        lines += [texts.BUDGET_CHAT.format(amount=self._amount(Scope.CHAT))]
        total = self._budget.limit(Scope.TOTAL)
        used = self._budget.cost(await self._budget.used(Scope.TOTAL), total.currency if total else "")
        lines += [texts.BUDGET_TOTAL.format(amount=self._amount(Scope.TOTAL), used=_text(used))]
        lines += [line async for line in self._own(roster)]
        return "\n".join([*lines, "", texts.BUDGET_HOW])

    async def _own(self, roster: Roster) -> AsyncIterator[str]:
        """A line for each budget of a single person or chat."""
        for (scope, number), amount in sorted(self._budget.changed.items(), key=lambda item: item[0]):
            if number:
                used = self._budget.cost(await self._budget.used(scope, number), amount.currency if amount else "")
                shown = texts.BUDGET_NONE if amount is None else _text(amount)
                yield texts.BUDGET_ONE.format(id=roster.called(number), amount=shown, used=_text(used))

    def _amount(self, scope: Scope) -> str:
        amount = self._budget.limit(scope)
        return texts.BUDGET_NONE if amount is None else _text(amount)


class BudgetWarnings:
    """Warns people who have nearly used up a budget, once a day; the owners get the warning about the total budget."""

    def __init__(self, storage: Storage, budget: Budget, owners: Callable[[], Awaitable[Collection[int]]]) -> None:
        self._storage = storage
        self._budget = budget
        self._owners = owners

    async def send(self, chat: Chat, user_id: int | None = None) -> list[ChatKey]:
        """Check budgets after an answer to this user (None: find out who asked); returns other chats to wake."""
        user_id = user_id or await self._storage.edits.asker(chat.id)
        keys = []
        for share in await self._budget.shares(chat.key.telegram_id, user_id):
            if share.ratio < NEARLY or (share.ratio >= 1 and share.scope is not Scope.TOTAL):
                continue  # a budget that is used up is reported with the next message
            keys += await self._tell(chat, share)
        return keys

    async def _tell(self, chat: Chat, share: Share) -> list[ChatKey]:
        private = [ChatKey(owner, 0) for owner in await self._owners()] if share.scope is Scope.TOTAL else []
        notices = [Notice(key, private=True, text=_hint(share)) for key in private]
        if share.scope is not Scope.TOTAL:
            notices = [Notice(chat.key, chat.private, _hint(share))]
        async with self._storage.transaction() as tx:
            if not await self._storage.usage.hint(tx, self._budget.today().date(), share.scope, share.number):
                return []
            for notice in notices:
                await self._storage.outbox.add(tx, notice)
        return private


async def refused(budget: Budget, chat: Chat | None, user_id: int | None) -> str | None:
    """The refusal for someone in a group who asks for an answer to someone else's question, but has no budget left.

    None if it is allowed. In private chats, and for all other budgets, the refusal comes in place of the answer.
    """
    if chat is None or chat.private:
        return None
    try:
        await budget.check(chat, user_id)
    except UserBudgetSpent as exc:
        return sentence(exc)
    except BudgetSpent:
        return None
    return None


def share_lines(shares: Collection[Share]) -> Iterator[str]:
    """The lines of ``/usage`` about the budgets that someone has."""
    names = {Scope.USER: "BUDGET_OF_USER", Scope.CHAT: "BUDGET_OF_CHAT"}
    for share in shares:
        if share.scope in names:
            text = getattr(texts, names[share.scope])
            yield text.format(used=_text(share.used), amount=_text(share.amount), percent=percent(share.ratio))


def _text(amount: Amount) -> str:
    """Money in the form that ``/budget`` accepts, tokens with the separators of the language."""
    return str(amount) if amount.currency else grouped(amount.number)


def _hint(share: Share) -> str:
    text = {
        Scope.USER: texts.BUDGET_NEARLY_USER,
        Scope.CHAT: texts.BUDGET_NEARLY_CHAT,
        Scope.TOTAL: texts.BUDGET_NEARLY_TOTAL,
    }[share.scope]
    return text.format(used=_text(share.used), amount=_text(share.amount), percent=percent(share.ratio))


def _log_decision(by: int, scope: Scope, number: int, amount: str) -> None:
    log.info(
        *("Owner %d sets the budget %s %s to %s", by, scope, number or "(all)", amount),
        extra={"fields": {"owner": by, "about": number or None, "decision": f"budget {scope} {amount}"}},
    )


def _whose(word: str) -> tuple[Scope, int] | None:
    if word.lower() in tuple(Scope):
        return Scope(word.lower()), 0
    if _ID.fullmatch(word) and int(word):
        return (Scope.USER if int(word) > 0 else Scope.CHAT), int(word)
    return None
