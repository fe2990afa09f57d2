"""Whether a message is meant for the bot: always in private, in a group when it is called.

Messages of other bots, and of those that Telegram only calls so.
"""

import re
from dataclasses import dataclass

from telegram import Message, MessageEntity
from telegram.constants import ChatID

from bot.inbound.quotes import replied_to, text_of
from bot.inbound.rich_messages import calls

FIRST_CJK = "\u2e80"
_BEFORE = r"(?:\[[^\[\]\n]{1,40}\]\s*|(?:\d+|[a-z]|[ivx]{2,5})[.)]\s*|(?:to do|done):\s*)?"
"""What stands before the words of a rich message: a picture, or the number, letter or state of an item in a list."""
_PEOPLE = frozenset({ChatID.ANONYMOUS_ADMIN, ChatID.FAKE_CHANNEL})
"""What stands as the sender where an administrator or a channel speaks without a name of their own."""
SHARED = _PEOPLE | {ChatID.SERVICE_CHAT}
"""Numbers that stand for many at once."""


@dataclass(frozen=True, slots=True)
class Addressing:
    """How this bot is called in groups; `always`: every message of a group is meant for it."""

    bot_id: int
    username: str
    name: str
    always: bool

    def is_meant(self, message: Message) -> bool:
        """Whether the bot should answer this message; a number below 1 is that of one that nobody else sees."""
        alone = message.chat.type == message.chat.PRIVATE or message.message_id <= 0
        return self.always or alone or self.is_called(message)

    def is_called(self, message: Message) -> bool:
        """Whether the message answers the bot, mentions it, or begins with its name."""
        target = replied_to(message)
        if target is not None and target.from_user is not None and target.from_user.id == self.bot_id:
            return True
        return self._is_mentioned(message) or self._is_named(text_of(message))

    def without_call(self, text: str, *, named: bool) -> str:
        """The words of a message without what only calls the bot; `named`: also without its name at the beginning."""
        text = re.sub(rf"@{re.escape(self.username)}(?!\w)[,:;]?", "", text, flags=re.IGNORECASE)
        if not (named and self._is_named(text)):
            return text
        return re.sub(rf"^\W*{re.escape(self.name)}\W+", "", text, flags=re.IGNORECASE)

    def is_ours(self, command: str) -> bool:
        """Whether a command, as it was written, is not for another bot."""
        _, at, name = command.partition("@")
        return not at or name.lower() == self.username.lower()

    def _is_mentioned(self, message: Message) -> bool:
        types: list[str | None] = [MessageEntity.MENTION, MessageEntity.TEXT_MENTION, MessageEntity.BOT_COMMAND]
        mentions = message.parse_entities(types) | message.parse_caption_entities(types)
        called = {entity.user.id if entity.user else words for entity, words in mentions.items()}
        return any(map(self._is_me, called | set(calls(message.api_kwargs.get("rich_message")))))

    def _is_me(self, called: str | int) -> bool:
        """Whether someone is this bot: by number, by name, or by a command that names it."""
        if isinstance(called, int):
            return called == self.bot_id
        return called.lower().partition("@")[2] == self.username.lower()

    def _is_named(self, text: str) -> bool:
        end = "" if self.name[-1:] >= FIRST_CJK else r"(?!\w)"  # Chinese has no blanks between words
        return bool(self.name and re.match(rf"{_BEFORE}\W*{re.escape(self.name)}{end}", text, re.IGNORECASE))


def is_other_bot(message: Message) -> bool:
    """Whether another bot speaks, and no person behind one of Telegram's own."""
    sender = message.from_user
    return sender is not None and sender.is_bot and sender.id not in _PEOPLE and message.sender_chat is None
