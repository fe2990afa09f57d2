"""Whether a message is addressed to the bot: always in private, in a group when it is mentioned or replied to."""

import re
from dataclasses import dataclass

from telegram import Message, MessageEntity
from telegram.constants import ChatID

from bot.inbound.quotes import replied_to, text_of
from bot.inbound.rich_messages import calls

FIRST_CJK = "\u2e80"
_BEFORE = r"(?:\[[^\[\]\n]{1,40}\]\s*|(?:\d+|[a-z]|[ivx]{2,5})[.)]\s*|(?:to do|done):\s*)?"
"""What may precede the text of a rich message: a picture, or the number, letter or checkbox of a list item."""
_PEOPLE = frozenset({ChatID.ANONYMOUS_ADMIN, ChatID.FAKE_CHANNEL})
"""The senders that Telegram fills in for anonymous administrators and channels; they count as bots."""
SHARED = _PEOPLE | {ChatID.SERVICE_CHAT}
"""User IDs that are shared by many senders."""


@dataclass(frozen=True, slots=True)
class Addressing:
    """How this bot is addressed in groups; `always`: every message in a group is addressed to it."""

    bot_id: int
    username: str
    name: str
    always: bool

    def is_meant(self, message: Message) -> bool:
        """Whether the bot should answer this message; ephemeral messages have IDs below 1."""
        alone = message.chat.type == message.chat.PRIVATE or message.message_id <= 0
        return self.always or alone or self.is_called(message)

    def is_called(self, message: Message) -> bool:
        """Whether the message replies to the bot, mentions it, or begins with its name."""
        target = replied_to(message)
        if target is not None and target.from_user is not None and target.from_user.id == self.bot_id:
            return True
        return self._is_mentioned(message) or self._is_named(text_of(message))

    def without_call(self, text: str, *, named: bool) -> str:
        """The text of a message without mentions of the bot; `named`: also without its name at the beginning."""
        text = re.sub(rf"@{re.escape(self.username)}(?!\w)[,:;]?", "", text, flags=re.IGNORECASE)
        if not (named and self._is_named(text)):
            return text
        return re.sub(rf"^\W*{re.escape(self.name)}\W+", "", text, flags=re.IGNORECASE)

    def is_ours(self, command: str) -> bool:
        """Whether a command, as written, is not for another bot."""
        _, at, name = command.partition("@")
        return not at or name.lower() == self.username.lower()

    def _is_mentioned(self, message: Message) -> bool:
        types: list[str | None] = [MessageEntity.MENTION, MessageEntity.TEXT_MENTION, MessageEntity.BOT_COMMAND]
        mentions = message.parse_entities(types) | message.parse_caption_entities(types)
        called = {entity.user.id if entity.user else words for entity, words in mentions.items()}
        return any(map(self._is_me, called | set(calls(message.api_kwargs.get("rich_message")))))

    def _is_me(self, called: str | int) -> bool:
        """Whether an ID, a @username or a command with one refers to this bot."""
        if isinstance(called, int):
            return called == self.bot_id
        return called.lower().partition("@")[2] == self.username.lower()

    def _is_named(self, text: str) -> bool:
        end = "" if self.name[-1:] >= FIRST_CJK else r"(?!\w)"  # Chinese has no spaces between words
        return bool(self.name and re.match(rf"{_BEFORE}\W*{re.escape(self.name)}{end}", text, re.IGNORECASE))


def is_other_bot(message: Message) -> bool:
    """Whether another bot wrote this, and not a person for whom Telegram fills in a bot."""
    sender = message.from_user
    return sender is not None and sender.is_bot and sender.id not in _PEOPLE and message.sender_chat is None
