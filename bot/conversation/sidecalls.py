"""What the model is asked besides answering: to compact, to summarise, to correct its notes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bot.conversation.budget import Budget
from bot.conversation.draft import Draft
from bot.conversation.heads import Heads
from bot.conversation.ledger import Asked, Ledger
from bot.conversation.marking import cache_key
from bot.conversation.tokens import TokenCounter
from bot.errors import ContentRefused, EmptyAnswer, SingleTurn
from bot.llm.interface import ChatModel, Finish, Message, Options, Tool
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
    ledger: Ledger
    budget: Budget
    count_tokens: TokenCounter
    bound: float

    async def ask(
        self,
        chat: Chat,
        model: ChatModel,
        messages: Sequence[Message],
        *,
        counted: int = 0,
        tools: tuple[Tool, ...] = (),
        brief: float | None = None,
    ) -> str:
        """The model's whole answer. Raises a ModelError: EmptyAnswer also for one that was cut.

        SingleTurn and BudgetSpent are raised before anything is asked. `counted`: our own count of the tokens, where it
        is known; else it is taken from the words. `tools` are those of a conversation whose prompt this shares; they
        are not to be called. `brief`: whether there is an answer is all that matters, within so many seconds.
        """
        if model.single_turn:
            raise SingleTurn(model.name)
        await self.budget.check(chat, _whose(chat))
        draft = Draft(Unseen(), min(self.bound, brief or self.bound), Heads())
        thinking = False if brief else chat.choices.thinking
        options = Options(thinking, tools=tools, aside=True, brief=bool(brief), cache_key=cache_key(chat))
        counted = counted or sum(self.count_tokens(message.content) for message in messages)
        try:
            await draft.write(model, messages, options)
        finally:
            if draft.usage is not None or draft.text or draft.further(counted, self.count_tokens):
                await complete(until_stored(partial(self._book, chat, model, draft, counted)))
        if draft.finish is Finish.FILTER:
            raise ContentRefused("the filter ended the answer")
        if draft.finish is not Finish.STOP:
            raise EmptyAnswer(f"the answer was cut: {draft.finish}")
        return draft.text.strip()

    async def _book(self, chat: Chat, model: ChatModel, draft: Draft, counted: int) -> None:
        name, whose = draft.instead.model if draft.instead else model.name, _whose(chat)
        asked = Asked(name, counted, self.count_tokens(draft.text + draft.reasoning), whose)
        async with self.storage.transaction() as tx:
            if draft.usage is not None or draft.text:
                await self.ledger.book(tx, chat.id, asked, draft.usage, turns=0)
            for more in draft.further(counted, self.count_tokens):
                beside = Asked(more.by(model.name), more.counted, more.said, whose)
                await self.ledger.add(tx, chat.id, beside, more.usage)


def _whose(chat: Chat) -> int | None:
    """In a group nobody in particular asks: it is done for all."""
    return chat.place.telegram_id if chat.private else None
