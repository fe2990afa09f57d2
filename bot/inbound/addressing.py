"""Whether a message is meant for the bot: always in private, in a group when it is called."""

import re
from dataclasses import dataclass

from telegram import Message, MessageEntity

from bot.inbound.origin import replied_to

FIRST_CJK = "\u2e80"


@dataclass(frozen=True, slots=True)
class Addressing:
    """How this bot is called in groups; `always`: every message of a group is meant for it."""

    bot_id: int
    username: str
    name: str
    always: bool

    def is_meant(self, message: Message) -> bool:
        """Whether the bot should answer this message."""
        return self.always or message.chat.type == message.chat.PRIVATE or self.is_called(message)

    def is_called(self, message: Message) -> bool:
        """Whether the message answers the bot, mentions it, or begins with its name."""
        target = replied_to(message)
        if target is not None and target.from_user is not None and target.from_user.id == self.bot_id:
            return True
        return self._is_mentioned(message) or self._is_named(message.text or message.caption or "")

    def is_ours(self, command: str) -> bool:
        """Whether a command, as it was written, is not for another bot."""
        _, at, name = command.partition("@")
        return not at or name.lower() == self.username.lower()

    def _is_mentioned(self, message: Message) -> bool:
        types: list[str | None] = [MessageEntity.MENTION, MessageEntity.TEXT_MENTION]
        mentions = message.parse_entities(types) | message.parse_caption_entities(types)
        return any(
            entity.user.id == self.bot_id if entity.user else words.lower() == f"@{self.username.lower()}"
            for entity, words in mentions.items()
        )

    def _is_named(self, text: str) -> bool:
        end = "" if self.name[-1:] >= FIRST_CJK else r"(?!\w)"  # Chinese has no blanks between words
        return bool(self.name and re.match(rf"\W*{re.escape(self.name)}{end}", text, re.IGNORECASE))
