"""What the model's server reported, written down: for the bill, and for the count of tokens."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, tzinfo

from bot.conversation.calibration import learned
from bot.conversation.growth import Growth
from bot.llm.interface import Usage as Reported
from storage import Storage, Transaction
from storage.records import Usage


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was answered, wholly or in part, by our own count (uncorrected) of its tokens."""

    model: str
    counted: int
    said: int
    """Tokens of what the model said and thought."""
    user_id: int | None = None
    """Who asked for it; None: nobody in particular."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Books requests; days are those of `zone`, `clock` gives Unix seconds."""

    storage: Storage
    zone: tzinfo
    clock: Callable[[], float]
    growth: Growth = field(default_factory=Growth)

    async def book(
        self, tx: Transaction, chat_id: int, asked: Asked, reported: Reported | None, *, turns: int
    ) -> Usage:
        """Add a request; `turns` is 0 for one beside the conversation. Returns what it took.

        Where nothing was reported (a server that does not, or an answer that was stopped), that is an estimate.
        """
        usage = await self._record(tx, chat_id, asked, reported, turns=turns)
        if reported is None:
            return usage
        if turns:
            whole = self.growth.saw(chat_id, asked.model, asked.counted, reported.input)
        else:
            whole = not self.growth.doubts(chat_id, asked.model)
        ratio_now = learned(reported.input, asked.counted)
        if ratio_now is not None and whole:  # of a prompt that was cut nothing is learned about our count
            await self.storage.token_ratios.learn(tx, asked.model, chat_id, ratio_now)
        return usage

    async def add(self, tx: Transaction, chat_id: int, asked: Asked, reported: Reported | None) -> Usage:
        """Add a further request of an answer; with results of tools in it, it teaches nothing about our count."""
        return await self._record(tx, chat_id, asked, reported, turns=0)

    async def _record(
        self, tx: Transaction, chat_id: int, asked: Asked, reported: Reported | None, *, turns: int
    ) -> Usage:
        if reported is None:
            ratio = await self.storage.token_ratios.of(asked.model, chat_id)
            usage = Usage(round(ratio * asked.counted), 0, asked.said, estimated=1)
        else:
            usage = Usage(**asdict(reported))
        today = datetime.fromtimestamp(self.clock(), self.zone).date()
        await self.storage.usage.record(tx, chat_id, today, asked.model, usage, turns=turns)
        await self.storage.spending.record(tx, asked.user_id, today, asked.model, usage)
        return usage
