"""What the model is asked besides answering: to compact, to summarise, to correct its notes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bot.conversation.draft import Draft
from bot.conversation.ledger import Ledger
from bot.conversation.tokens import TokenCounter
from bot.errors import EmptyAnswer
from bot.llm.interface import ChatModel, Finish, Message
from storage import Storage, complete, until_stored
from storage.records import Chat


class Unseen:
    """Nobody watches this answer grow."""

    def update(self, text: str) -> None:
        """See draft.Show."""

    def thinking(self) -> None:
        """See draft.Show."""

    def note(self, text: str) -> None:
        """See draft.Show."""


@dataclass(frozen=True, slots=True)
class SideCalls:
    """Asks, and books what it cost also when the answer is of no use."""

    storage: Storage
    model: ChatModel
    ledger: Ledger
    count_tokens: TokenCounter
    bound: float

    async def ask(self, chat: Chat, messages: Sequence[Message]) -> str:
        """The model's whole answer. Raises a ModelError; EmptyAnswer also for one that was cut."""
        draft = Draft(self.model, Unseen(), self.bound)
        try:
            await draft.write(messages)
        finally:
            if draft.usage is not None:
                await complete(until_stored(partial(self._book, chat, messages, draft)))
        if draft.finish is not Finish.STOP:
            raise EmptyAnswer(f"the answer was cut: {draft.finish}")
        return draft.text.strip()

    async def _book(self, chat: Chat, messages: Sequence[Message], draft: Draft) -> None:
        if draft.usage is None:
            return
        counted = sum(self.count_tokens(message.content) for message in messages)
        async with self.storage.transaction() as tx:
            await self.ledger.book(tx, chat.id, draft.usage, counted=counted, turns=0)
