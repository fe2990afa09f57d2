"""What the model's server reported, written down: for the bill, and for the count of tokens."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo

from bot.conversation.calibration import learned
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


@dataclass(frozen=True, slots=True)
class Ledger:
    """Books requests; days are those of `zone`, `clock` gives Unix seconds."""

    storage: Storage
    zone: tzinfo
    clock: Callable[[], float]

    async def book(
        self, tx: Transaction, chat_id: int, asked: Asked, reported: Reported | None, *, turns: int
    ) -> Usage | None:
        """Add a request; `turns` is 0 for one beside the conversation. Returns what was reported.

        Where nothing was (a server that does not, or an answer that was stopped), the day gets an estimate.
        """
        today = datetime.fromtimestamp(self.clock(), self.zone).date()
        if reported is None:
            ratio = await self.storage.token_ratios.of(asked.model, chat_id)
            estimate = Usage(round(ratio * asked.counted), 0, asked.said, estimated=1)
            await self.storage.usage.record(tx, chat_id, today, asked.model, estimate, turns=turns)
            return None
        usage = Usage(**asdict(reported))
        await self.storage.usage.record(tx, chat_id, today, asked.model, usage, turns=turns)
        ratio_now = learned(reported.input, asked.counted)
        if ratio_now is not None:
            await self.storage.token_ratios.learn(tx, asked.model, chat_id, ratio_now)
        return usage
