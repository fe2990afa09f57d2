"""Whether a message is meant for the bot: always in private, in a group when it is mentioned or replied to."""

from dataclasses import dataclass

from telegram import Message, MessageEntity


@dataclass(frozen=True, slots=True)
class Addressing:
    """How this bot is called in groups; `always`: every message of a group is meant for it."""

    bot_id: int
    username: str
    always: bool

    def is_meant(self, message: Message) -> bool:
        """Whether the bot should answer this message."""
        if self.always or message.chat.type == message.chat.PRIVATE:
            return True
        replied_to = message.reply_to_message
        if replied_to is not None and replied_to.from_user is not None and replied_to.from_user.id == self.bot_id:
            return True
        return self._is_mentioned(message)

    def _is_mentioned(self, message: Message) -> bool:
        types: list[str | None] = [MessageEntity.MENTION, MessageEntity.TEXT_MENTION]
        mentions = message.parse_entities(types) | message.parse_caption_entities(types)
        return any(
            entity.user.id == self.bot_id if entity.user else words.lower() == f"@{self.username.lower()}"
            for entity, words in mentions.items()
        )
