"""The next request of a conversation: its window, and behind the newest words what they bring to mind."""

from dataclasses import dataclass

from bot.conversation import prompt
from bot.conversation.marking import Marking
from bot.conversation.recall import Recall, Recalled
from bot.conversation.windows import View, Windows
from bot.llm.interface import Message
from storage.records import Chat, Role

ROOM_SHARE = 0.5
"""What recall may take of the room that the window leaves to the model; the rest is for the answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the model is sent, our own count of its tokens (uncorrected), and whether it has cache markers."""

    messages: tuple[Message, ...]
    counted: int
    marked: bool


@dataclass(frozen=True, slots=True)
class Requests:
    """Prepares requests."""

    windows: Windows
    recall: Recall
    marking: Marking

    async def prepare(self, chat: Chat, *, without: int | None) -> Request:
        """The request that answers what the user said last; `without` leaves out a reply that is being replaced."""
        view = await self.windows.view(chat.id, without=without)
        recalled = await self._recalled(view)
        messages = prompt.build(self.windows.system_prompt, view.memory, view.window.turns, recalled.text)
        turns = sum(turn.tokens for turn in view.window.turns)
        memory = view.window.memory.tokens if view.window.memory else 0
        counted = self.windows.count_tokens(self.windows.system_prompt) + memory + turns + recalled.tokens
        marked = await self.marking.marked(view, messages)
        return Request(marked, counted, any(message.mark for message in marked))

    async def _recalled(self, view: View) -> Recalled:
        chat, through = view.window.chat, view.window.through_turn
        words = _newest_words(view)
        if through <= chat.reset_turn or not words:
            return Recalled("", 0, ())
        room = ROOM_SHARE * (self.windows.policy.context_window - view.sizes.total)
        return await self.recall.find(chat, words, after_turn=chat.reset_turn, before_turn=through + 1, room=room)


def _newest_words(view: View) -> str:
    words: list[str] = []
    for turn in reversed(view.window.turns):
        if turn.role is not Role.USER:
            break
        words.insert(0, turn.content)
    return "\n".join(words)
