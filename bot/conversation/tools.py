"""What the model may do besides answering: look back of its own accord, and take a note at once.

Which tools a chat has depends on its settings alone, and their definitions never change: they stand before the prompt.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from bot.conversation.offers import RECALL, REMEMBER
from bot.conversation.prompt import harmless
from bot.conversation.recall import Recall, Recalled
from bot.conversation.tokens import TokenCounter
from bot.conversation.windows import Windows
from bot.llm.interface import Call
from storage import Storage
from storage.records import Chat

NOTHING = "Nothing was found."
ALL_IN_VIEW = "Nothing was said before what you can see."
NOTED = "It is in your notes."
FULL = "Your notes are full until they are next shortened. It stays in the conversation until then."
UNREADABLE = "The arguments can't be read: they must be JSON with one text, named {name}."
UNKNOWN = "There is no such tool."
Work = Callable[[Chat, str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Does what a call asks for. What goes wrong is told to the model, which knows what to make of it."""

    storage: Storage
    windows: Windows
    recall: Recall
    count_tokens: TokenCounter
    clock: Callable[[], float]

    async def use(self, chat: Chat, looks: list[Recalled], call: Call) -> str:
        """The result of a call, never empty; what the model looks up is added to `looks`."""
        work: dict[str, tuple[str, Work]] = {
            RECALL.name: (RECALL.argument, partial(self._recall, looks)),
            REMEMBER.name: (REMEMBER.argument, self._remember),
        }
        if call.name not in work:
            return UNKNOWN
        name, do = work[call.name]
        text = _argument(call.arguments, name)
        return await do(chat, text) if text else UNREADABLE.format(name=name)

    async def _recall(self, looks: list[Recalled], chat: Chat, query: str) -> str:
        window = (await self.windows.view(chat.id)).window
        if window.through_turn <= window.chat.reset_turn:
            return ALL_IN_VIEW
        after, before = window.chat.reset_turn, window.through_turn + 1
        found = await self.recall.look(window.chat, query, after_turn=after, before_turn=before, now=self.clock())
        looks.append(found)
        return found.text or NOTHING

    async def _remember(self, chat: Chat, text: str) -> str:
        view = await self.windows.view(chat.id)
        note = harmless(f"- {' '.join(text.split())}")
        if note in view.memory.splitlines():  # an answer that broke off is begun again, its calls with it
            return NOTED
        notes = f"{view.memory}\n{note}".strip()
        if self.count_tokens(notes) > view.policy.most_memory:
            return FULL
        memory = self.windows.memory(view.window.through_turn, notes, self.clock(), view.covers)
        async with self.storage.transaction() as tx:
            stored = await self.storage.memories.put(tx, view.window.chat, memory)
            if stored:  # a compaction under way would lose the note
                await self.storage.chats.take_back(tx, chat.id)
        return NOTED if stored else FULL


def _argument(arguments: str, name: str) -> str:
    try:
        read = json.loads(arguments)
    except (ValueError, RecursionError):
        return ""
    text = read.get(name) if isinstance(read, dict) else None
    return text.strip() if isinstance(text, str) else ""
