"""What a chat shows for a while only: the draft of a reply, and that the bot is typing."""

from collections.abc import Callable
from dataclasses import dataclass

DRAFT_S = 30.0
ACTION_S = 5.0


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply as far as it is written; `html` (or `markdown`) is the source of a rich one."""

    id: int
    text: str
    html: str | None = None
    markdown: str | None = None
    thread: int | None = None
    can_stop: bool = False


class Previews:
    """Drafts and actions of all chats; none survives a restart, as none survives 30 seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._drafts: dict[int, tuple[Draft, float]] = {}
        self._actions: dict[int, tuple[str, float]] = {}

    def show(self, chat_id: int, draft: Draft) -> None:
        """Show a draft in place of the one before."""
        self._drafts[chat_id] = (draft, self._clock() + DRAFT_S)

    def act(self, chat_id: int, action: str) -> None:
        """Show what the bot does."""
        self._actions[chat_id] = (action, self._clock() + ACTION_S)

    def end(self, chat_id: int) -> None:
        """A message arrived: it takes the place of both."""
        self._drafts.pop(chat_id, None)
        self._actions.pop(chat_id, None)

    def draft(self, chat_id: int) -> Draft | None:
        """The draft that is shown now."""
        draft, end = self._drafts.get(chat_id, (None, 0.0))
        return draft if self._clock() < end else None

    def action(self, chat_id: int) -> str | None:
        """What the bot is shown to be doing now."""
        action, end = self._actions.get(chat_id, (None, 0.0))
        return action if self._clock() < end else None
