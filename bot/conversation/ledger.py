"""What the model's server reported, written down: for the bill, and for the count of tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bot.conversation.calibration import learned
from bot.llm.interface import Usage as Reported
from storage import Storage, Transaction
from storage.records import Usage


@dataclass(frozen=True, slots=True)
class Ledger:
    """Books requests; days are those of `zone`, `clock` gives Unix seconds."""

    storage: Storage
    zone: tzinfo
    clock: Callable[[], float]

    async def book(
        self, tx: Transaction, chat_id: int, model: str, reported: Reported, *, counted: int, turns: int
    ) -> Usage:
        """Add a request that was answered; `turns` is 0 for a request beside the conversation."""
        usage = Usage(reported.input, reported.cached, reported.output)
        today = datetime.fromtimestamp(self.clock(), self.zone).date()
        await self.storage.usage.record(tx, chat_id, today, model, usage, turns=turns)
        ratio = learned(reported.input, counted)
        if ratio is not None:
            await self.storage.token_ratios.learn(tx, model, chat_id, ratio)
        return usage
