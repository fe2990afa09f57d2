"""Chats as tests see them."""

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
        """The messages with larger ids."""
        return self._world.store.messages(self.id, message_id)

    @property
    def replies(self) -> Sequence[Message]:
        """The bot's messages that aren't deleted."""
        return [message for message in self.messages if message.from_bot and not message.deleted]

    @property
    def ephemeral(self) -> Sequence[Message]:
        """The bot's ephemeral messages that aren't deleted."""
        return [one for one in self._world.store.ephemeral(self.id) if one.from_bot and not one.deleted]

    @property
    def draft(self) -> Draft | None:
        """The draft that the bot currently shows."""
        return self._world.previews.draft(self.id)

    @property
    def action(self) -> str | None:
        """The bot's current chat action, such as "typing"."""
        return self._world.previews.action(self.id)

    def message(self, message_id: int) -> Message:
        """The current state of a message; raises LookupError."""
        found = self._world.store.message(self.id, message_id, deleted=True)
        if found is None:
            raise LookupError(f"{self.title} has no message {message_id}")
        return found.view

    async def wait(self, wanted: int | Callable[["Chat"], bool], timeout: float = 5.0) -> Sequence[Message]:
        """Wait for a number of messages of the bot, or for any condition; returns the bot's messages."""

        def happened() -> bool:
            return wanted(self) if callable(wanted) else self._world.store.count_replies(self.id) >= wanted

        try:
            await self._world.changes.wait(happened, timeout)
        except TimeoutError as exc:
            seen = [message.text[:80] for message in self.replies]
            raise TimeoutError(f"not within {timeout} s; the bot has said {seen}") from exc
        return self.replies

    def topic(self, name: str, *, implicit: bool = False) -> int:
        """Open a topic of a forum or of a private chat with topics; returns its thread id.

        `implicit`: the app made the name from the first words.
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
        """Let the user, or the forum's creator, rename a topic."""
        chat = self._world.chat(self.id)
        namer = self._world.store.user(self.id if chat["type"] == "private" else self._world.store.creator(self.id))
        raw = self._world.post(
            chat, namer or self._world.bot_user, {"forum_topic_edited": {"name": name}}, thread=thread
        )
        self._world.updates.push("message", raw)

    def delete_topic(self, thread: int) -> None:
        """Delete a topic; bots aren't notified."""
        self._world.store.remove_topic(self.id, thread)
