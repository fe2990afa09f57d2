"""Whether an edited message says anything new: Telegram calls it edited when it has a reaction or a preview, too."""

import hashlib
import json
from collections import OrderedDict

from telegram import Message

from bot.inbound.kinds import described
from bot.inbound.quotes import FILES, text_of

MOST = 10_000
"""Messages that are remembered, besides those in the transcript: what a message of the last minutes said."""


def digest(message: Message) -> str:
    """What a message says and holds, in short: its words, where they lead, and its files, whatever they are called.

    What others do with it is no part of that: the votes of a poll, and that it is closed.
    """
    held = [getattr(message, name) for name in FILES]
    files = [one[-1] if isinstance(one, tuple) else one for one in held if one]
    addresses = [entity.url for entity in (*message.entities, *message.caption_entities) if entity.url]
    said = [
        text_of(message),
        "" if files else _held(message),
        addresses,
        sorted(file.file_unique_id for file in files),
    ]
    return hashlib.sha256(json.dumps(said).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _held(message: Message) -> str | None:
    if message.poll is None:
        return described(message)
    return json.dumps([message.poll.question, *(option.text for option in message.poll.options)])


class RecentMessages:
    """What the newest messages said when they were last heard."""

    def __init__(self) -> None:
        self._digests: OrderedDict[tuple[int, int, int], str] = OrderedDict()

    def record(self, message: Message) -> None:
        """Remember what it says now."""
        key = _key(message)
        self._digests[key] = digest(message)
        self._digests.move_to_end(key)
        if len(self._digests) > MOST:
            self._digests.popitem(last=False)

    def has_changed(self, message: Message) -> bool:
        """Whether it is known to have said something else before."""
        said = self._digests.get(_key(message))
        return said is not None and said != digest(message)

    def knows(self, message: Message) -> bool:
        """Whether it said the same before."""
        return self._digests.get(_key(message)) == digest(message)


def _key(message: Message) -> tuple[int, int, int]:
    """By the sender too: what only one member of a group sees may be numbered for each."""
    return message.chat.id, message.message_id, message.from_user.id if message.from_user else 0
