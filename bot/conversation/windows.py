"""A chat's window as it is now, and how large it is for the model."""

from dataclasses import dataclass

from bot.conversation import prompt
from bot.conversation.marks import Marks, Policy, Sizes, Way, marks, round_starts
from bot.conversation.tokens import MESSAGE_TOKENS, TokenCounter
from storage import Storage
from storage.records import Memory, Role, Turn, Window


@dataclass(frozen=True, slots=True)
class View:
    """A window with its sizes, in the model's tokens."""

    window: Window
    way: Way
    sizes: Sizes
    marks: Marks
    starts: tuple[int, ...]
    """Where its rounds begin."""

    @property
    def memory(self) -> str:
        """The text that stands in place of what has left the window."""
        return self.window.memory.text if self.window.memory else ""

    def before(self, rounds: int) -> tuple[Turn, ...]:
        """The turns of the first rounds."""
        end = self.starts[rounds] if rounds < len(self.starts) else len(self.window.turns)
        return self.window.turns[:end]


@dataclass(frozen=True, slots=True)
class Windows:
    """Reads windows. `policy.way` holds where a chat has not chosen its own."""

    storage: Storage
    policy: Policy
    model: str
    system_prompt: str
    count_tokens: TokenCounter

    async def view(self, chat_id: int, *, without: int | None = None) -> View:
        """The window of a chat; `without` leaves out a reply that is being replaced."""
        window = await self.storage.memories.window(chat_id, without=without)
        ratio = await self.storage.token_ratios.of(self.model, chat_id)
        starts = tuple(round_starts(window.turns))
        chosen = window.chat.choices.memory_way
        way = Way(chosen) if chosen else self.policy.way
        sizes = self._sizes(window, starts, ratio)
        return View(window, way, sizes, marks(self.policy, way, sizes), starts)

    def memory(self, through_turn: int, text: str, now: float) -> Memory:
        """A memory with its size; the frame around it is counted too."""
        tokens = self.count_tokens(prompt.framed(text)) - MESSAGE_TOKENS if text else 0
        return Memory(through_turn, text, tokens, now)

    def _sizes(self, window: Window, starts: tuple[int, ...], ratio: float) -> Sizes:
        ends = (*starts[1:], len(window.turns)) if starts else ()
        rounds = tuple(
            ratio * sum(turn.tokens for turn in window.turns[start:end])
            for start, end in zip(starts, ends, strict=True)
        )
        memory = window.memory.tokens if window.memory else 0
        waiting = bool(window.turns) and window.turns[-1].role is Role.USER
        return Sizes(ratio * self.count_tokens(self.system_prompt), ratio * memory, rounds, waiting)
