"""placeholder until merged"""

from dataclasses import dataclass
from storage.records import Chat


@dataclass(frozen=True, slots=True)
class Recalled:
    text: str
    tokens: int
    turn_ids: tuple[int, ...]


class Recall:
    async def find(self, chat: Chat, words: str, *, after_turn: int, before_turn: int) -> Recalled:
        return Recalled("", 0, ())
