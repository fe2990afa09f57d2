"""Where in Telegram a conversation happens."""

from dataclasses import dataclass, field

ASIDE = 2**53
"""Above the numbers of topics and of people, which have 52 bits at most."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in Telegram a conversation happens: a chat, or one topic of it (`thread_id` 0: the chat itself)."""

    telegram_id: int
    thread_id: int = 0
    direct: bool = field(default=False, compare=False)
    """The topic is one person's, of a channel's direct messages; a chat has topics of one sort only."""

    @classmethod
    def aside(cls, telegram_id: int, user_id: int) -> "Place":
        """What one member of a group and the bot say there that nobody else sees: a conversation of its own."""
        return cls(telegram_id, ASIDE + user_id)

    @property
    def alone_with(self) -> int | None:
        """Who alone sees what is said here; None: everybody in the chat."""
        return self.thread_id - ASIDE if self.thread_id > ASIDE else None
