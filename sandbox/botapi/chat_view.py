"""Chats, as a test sees them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sandbox.botapi.message import Message
from sandbox.botapi.server_state import Draft, ServerState


@dataclass(frozen=True, slots=True)
class Chat:
    """A private chat or a group."""

    id: int
    title: str
    _world: ServerState = field(repr=False, compare=False)

    @property
    def messages(self) -> Sequence[Message]:
        """All messages, oldest first; deleted ones are marked."""
        return self._world.store.messages(self.id)

    def after(self, message_id: int) -> Sequence[Message]:
        """The messages above an id."""
        return self._world.store.messages(self.id, message_id)

    @property
    def replies(self) -> Sequence[Message]:
        """The bot's messages that stand there now."""
        return [message for message in self.messages if message.from_bot and not message.deleted]

    @property
    def ephemeral(self) -> Sequence[Message]:
        """What the bot shows there to single members."""
        return [one for one in self._world.store.ephemeral(self.id) if one.from_bot and not one.deleted]

    @property
    def draft(self) -> Draft | None:
        """The draft that the bot shows now."""
        return self._world.previews.draft(self.id)

    @property
    def action(self) -> str | None:
        """What the bot is shown to be doing now ("typing")."""
        return self._world.previews.action(self.id)

    def message(self, message_id: int) -> Message:
        """One message, as it is now; raises LookupError."""
        found = self._world.store.message(self.id, message_id, deleted=True)
        if found is None:
            raise LookupError(f"{self.title} has no message {message_id}")
        return found.view

    async def wait(self, wanted: int | Callable[["Chat"], bool], timeout: float = 5.0) -> Sequence[Message]:
        """Wait for so many messages of the bot, or for anything else; returns the bot's messages."""

        def happened() -> bool:
            return wanted(self) if callable(wanted) else self._world.store.count_replies(self.id) >= wanted

        try:
            await self._world.changes.wait(happened, timeout)
        except TimeoutError as exc:
            seen = [message.text[:80] for message in self.replies]
            raise TimeoutError(f"not within {timeout} s; the bot has said {seen}") from exc
        return self.replies

    def topic(self, name: str, *, implicit: bool = False) -> int:
        """Open a topic of a forum or, where the bot has them, of a private chat; returns its thread id.

        `implicit`: nobody chose the name, which the app made of the first words.
        """
        chat = self._world.chat(self.id)
        if not (chat.get("is_forum") or (chat["type"] == "private" and self._world.bot["has_topics_enabled"])):
            raise ValueError(f"{self.title} has no topics")
        thread = self._world.store.next_message_id(self.id)
        creator = self.id if chat["type"] == "private" else self._world.store.creator(self.id)
        opener = self._world.store.user(creator) or self._world.bot_user
        self._world.store.add_topic(self.id, thread)
        named: dict[str, object] = {"name": name, "icon_color": 7322096} | (
            {"is_name_implicit": True} if implicit else {}
        )
        content: dict[str, object] = {"forum_topic_created": named}
        raw = self._world.post(chat, opener, content, thread=thread)
        self._world.updates.push("message", raw)
        return thread

    def rename_topic(self, thread: int, name: str) -> None:
        """Have the person, or the forum's creator, give a topic another name."""
        chat = self._world.chat(self.id)
        namer = self._world.store.user(self.id if chat["type"] == "private" else self._world.store.creator(self.id))
        raw = self._world.post(
            chat, namer or self._world.bot_user, {"forum_topic_edited": {"name": name}}, thread=thread
        )
        self._world.updates.push("message", raw)

    def delete_topic(self, thread: int) -> None:
        """Delete a topic, of which bots are told nothing."""
        self._world.store.remove_topic(self.id, thread)
