"""Whether an edit changed a message's content: Telegram also reports edits for reactions and link previews."""

import hashlib
import json
from collections import OrderedDict

from telegram import Message

from bot.inbound.kinds import described
from bot.inbound.quotes import FILES, text_of

MOST = 10_000
"""How many recent messages are remembered, in addition to those in the transcript."""


def digest(message: Message) -> str:
    """A hash of a message's content: its text, links and files, but not the files' names.

    What others do with it does not count: votes in a poll, or that it is closed.
    """
    contents = [getattr(message, name) for name in FILES]
    files = [content[-1] if isinstance(content, tuple) else content for content in contents if content]
    addresses = [entity.url for entity in (*message.entities, *message.caption_entities) if entity.url]
    said = [
        text_of(message),
        "" if files else _description(message),
        addresses,
        sorted(file.file_unique_id for file in files),
    ]
    return hashlib.sha256(json.dumps(said).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _description(message: Message) -> str | None:
    if message.poll is None:
        return described(message)
    return json.dumps([message.poll.question, *(option.text for option in message.poll.options)])


class RecentMessages:
    """Hashes of the newest messages, as they were last received."""

    def __init__(self) -> None:
        self._digests: OrderedDict[tuple[int, int, int], str] = OrderedDict()

    def record(self, message: Message) -> None:
        """Remember a message as it is now."""
        key = _key(message)
        self._digests[key] = digest(message)
        self._digests.move_to_end(key)
        if len(self._digests) > MOST:
            self._digests.popitem(last=False)

    def has_changed(self, message: Message) -> bool:
        """Whether the message is known to have been different before."""
        said = self._digests.get(_key(message))
        return said is not None and said != digest(message)

    def knows(self, message: Message) -> bool:
        """Whether the message is known, and unchanged."""
        return self._digests.get(_key(message)) == digest(message)


def _key(message: Message) -> tuple[int, int, int]:
    """The sender is part of the key, because ephemeral messages may be numbered per member."""
    return message.chat.id, message.message_id, message.from_user.id if message.from_user else 0
