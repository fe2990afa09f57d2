"""What the Bot API server understands, learned from its refusals and remembered for the life of the process."""

from dataclasses import dataclass, field

from bot.errors import KeepsakeError


class UnsupportedError(KeepsakeError):
    """The Bot API server is older than the method; `Features` knows it from now on."""


@dataclass(slots=True)
class Features:
    """Methods that are newer than some servers in use."""

    rich: bool = True
    """sendRichMessage, sendRichMessageDraft and `rich_message` in editMessageText (Bot API 10.1)."""
    drafts: bool = True
    """sendMessageDraft (Bot API 9.3)."""
    draftless: set[int] = field(default_factory=set)
    """Chats that Telegram takes no drafts for."""
    not_alone: dict[tuple[int, int], float] = field(default_factory=dict)
    """Groups, and members of them to whom nothing can be shown alone unasked, since the bot is no administrator, or
    they have left; and until when that is believed, on the clock of the process."""
