"""What changes in chats, in order, for those who listen; while nobody does, nothing is made of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["message", "deleted", "draft", "action", "pressed", "chat", "reaction", "commands"]


@dataclass(frozen=True, slots=True)
class ChatEvent:
    """A change: of which chat and message, if of one; the new state is read where it is stored."""

    kind: Kind
    chat_id: int = 0
    message_id: int = 0
    details: Mapping[str, object] = field(default_factory=dict)


Listener = Callable[[ChatEvent], None]


class ChatEvents:
    """Passes events to listeners while the change is being made, so none can be missed or come in another order."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def ignore(self, listener: Listener) -> None:
        """Stop listening."""
        self._listeners.remove(listener)

    def tell(self, kind: Kind, chat_id: int = 0, message_id: int = 0, **details: object) -> None:
        """Report a change that has been stored."""
        if self._listeners:
            event = ChatEvent(kind, chat_id, message_id, details)
            for listener in self._listeners:
                listener(event)
