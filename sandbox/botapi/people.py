"""Users and chats as tests see them: what a user does here reaches the bot as an update."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from sandbox.botapi import formatting as texts
from sandbox.botapi import sent_media
from sandbox.botapi.directory import reaction_types
from sandbox.botapi.message import Message
from sandbox.botapi.methods.about_chats import member
from sandbox.botapi.server_state import Draft, ServerState
from sandbox.botapi.stored_state import Files
from sandbox.botapi.updates import Press
from sandbox.botapi.wire import Json


@dataclass(frozen=True, slots=True)
class Chat:
    """A private chat or a group."""

    id: int
    title: str
    _state: ServerState = field(repr=False, compare=False)

    @property
    def messages(self) -> Sequence[Message]:
        """All messages, oldest first; deleted ones are marked."""
        return self._state.store.messages(self.id)

    def after(self, message_id: int) -> Sequence[Message]:
        """The messages with larger ids."""
        return self._state.store.messages(self.id, message_id)

    @property
    def replies(self) -> Sequence[Message]:
        """The bot's messages that aren't deleted."""
        return [message for message in self.messages if message.from_bot and not message.deleted]

    @property
    def ephemeral(self) -> Sequence[Message]:
        """The bot's ephemeral messages that aren't deleted."""
        return [one for one in self._state.store.ephemeral(self.id) if one.from_bot and not one.deleted]

    @property
    def draft(self) -> Draft | None:
        """The draft that the bot currently shows."""
        return self._state.previews.draft(self.id)

    @property
    def action(self) -> str | None:
        """The bot's current chat action, such as "typing"."""
        return self._state.previews.action(self.id)

    def message(self, message_id: int) -> Message:
        """The current state of a message; raises LookupError."""
        found = self._state.store.message(self.id, message_id, deleted=True)
        if found is None:
            raise LookupError(f"{self.title} has no message {message_id}")
        return found.view

    async def wait(self, wanted: int | Callable[["Chat"], bool], timeout: float = 5.0) -> Sequence[Message]:
        """Wait for a number of messages of the bot, or for any condition; returns the bot's messages."""

        def happened() -> bool:
            return wanted(self) if callable(wanted) else self._state.store.count_replies(self.id) >= wanted

        try:
            await self._state.changes.wait(happened, timeout)
        except TimeoutError as exc:
            seen = [message.text[:80] for message in self.replies]
            raise TimeoutError(f"not within {timeout} s; the bot has said {seen}") from exc
        return self.replies

    def topic(self, name: str, *, implicit: bool = False) -> int:
        """Open a topic of a forum or of a private chat with topics; returns its thread id.

        `implicit`: the app made the name from the first words.
        """
        chat = self._state.chat(self.id)
        if not (chat.get("is_forum") or (chat["type"] == "private" and self._state.bot["has_topics_enabled"])):
            raise ValueError(f"{self.title} has no topics")
        thread = self._state.store.next_message_id(self.id)
        creator = self.id if chat["type"] == "private" else self._state.store.creator(self.id)
        opener = self._state.store.user(creator) or self._state.bot_user
        self._state.store.add_topic(self.id, thread)
        self._state.name_topic(self.id, thread, name)
        named: dict[str, object] = {"name": name, "icon_color": 7322096} | (
            {"is_name_implicit": True} if implicit else {}
        )
        content: dict[str, object] = {"forum_topic_created": named}
        raw = self._state.post(chat, opener, content, thread=thread)
        self._state.updates.push("message", raw)
        return thread

    def rename_topic(self, thread: int, name: str) -> None:
        """Let the user, or the forum's creator, rename a topic."""
        chat = self._state.chat(self.id)
        namer = self._state.store.user(self.id if chat["type"] == "private" else self._state.store.creator(self.id))
        raw = self._state.post(
            chat, namer or self._state.bot_user, {"forum_topic_edited": {"name": name}}, thread=thread
        )
        self._state.name_topic(self.id, thread, name)
        self._state.updates.push("message", raw)

    def delete_topic(self, thread: int) -> None:
        """Delete a topic; bots aren't notified."""
        self._state.store.remove_topic(self.id, thread)
        self._state.events.tell("chat", self.id)


@dataclass(frozen=True, slots=True)
class User:
    """A user who talks with the bot."""

    id: int
    name: str
    _state: ServerState = field(repr=False, compare=False)

    async def say(
        self,
        chat: Chat,
        text: str | None,
        reply_to: Message | int | None = None,
        thread: int | None = None,
        entities: Sequence[Json] | None = None,
        **extra: object,
    ) -> Message:
        """Write to a chat; a long text becomes several messages, and the last one is returned.

        `extra` has further fields of the message (``photo``, ``caption``, ``media_group_id``), with which the text may
        be None.
        """
        if text is None:
            return self._post(chat, dict(extra), reply_to, thread)
        *firsts, last = texts.split_message(text)
        for piece in firsts:
            self._post(chat, _content(piece, None), reply_to, thread)
        return self._post(chat, _content(last, entities) | extra, reply_to, thread)

    async def send(
        self,
        chat: Chat,
        content: Json,
        caption: str | None = None,
        reply_to: Message | int | None = None,
        thread: int | None = None,
    ) -> Message:
        """Send any other content, such as ``{"dice": {...}}``, with or without a caption."""
        words: Json = {}
        if caption is not None:
            found = texts.detect_entities(caption)
            words = {"caption": caption} | ({"caption_entities": found} if found else {})
        return self._post(chat, content | words, reply_to, thread)

    async def photo(
        self, chat: Chat, content: bytes, caption: str | None = None, reply_to: Message | int | None = None
    ) -> Message:
        """Send a picture in the sizes that Telegram makes of it."""
        return await self.send(chat, sent_media.photo(self._state.files, content), caption, reply_to)

    async def album(
        self, chat: Chat, contents: Sequence[bytes], caption: str | None = None, caption_at: int = 0
    ) -> Sequence[Message]:
        """Send pictures as an album: separate messages with the same group id."""
        group: Json = {"media_group_id": str(self._state.store.next_message_id(chat.id) + 13_000_000_000)}
        return [
            await self.send(
                chat, sent_media.photo(self._state.files, content) | group, caption if at == caption_at else None
            )
            for at, content in enumerate(contents)
        ]

    async def voice(self, chat: Chat, content: bytes, duration: int, reply_to: Message | int | None = None) -> Message:
        return await self.send(chat, sent_media.voice(self._state.files, content, duration), None, reply_to)

    async def document(
        self, chat: Chat, content: bytes, name: str, mime: str = "text/plain", caption: str | None = None
    ) -> Message:
        return await self.send(chat, sent_media.document(self._state.files, content, name, mime), caption)

    @property
    def files(self) -> Files:
        """The files, for building contents with ``sent_media``."""
        return self._state.files

    async def send_ephemeral(self, chat: Chat, text: str, reply_to: Message | None = None, **extra: object) -> Message:
        """Send an ephemeral message to the bot in a group, as apps send commands marked for it."""
        found = self._state.store.message(chat.id, reply_to.id) if reply_to is not None else None
        where, target = self._state.chat(chat.id), found.raw if found else None
        content, bot = _content(text, None) | extra, self._state.bot_user
        raw = self._state.post(where, self._json(), content, reply_to=target, receiver=bot)
        self._state.updates.push("message", raw)
        return self._view(chat.id, -cast("int", raw["ephemeral_message_id"]))

    async def forward(self, chat: Chat, text: str, origin_name: str) -> Message:
        """Forward a message of someone who hides their account."""
        origin = {
            "type": "hidden_user",
            "sender_user_name": origin_name,
            "date": int(self._state.clock()),
        }
        return await self.say(chat, text, forward_origin=origin)

    async def edit(self, message: Message, text: str) -> Message:
        """Edit one's own message."""
        found = self._state.store.message(message.chat_id, message.id)
        if found is None or cast("Json", found.raw["from"])["id"] != self.id:
            raise ValueError(f"{self.name} can't edit that")
        words = _content(text, None)
        if "text" not in found.raw:  # so it is the caption that is edited
            words = {f"caption{'_entities' if key == 'entities' else ''}": item for key, item in words.items()}
        kept = {key: item for key, item in found.raw.items() if not key.endswith(("text", "entities", "caption"))}
        return self._edited(message, kept | words)

    async def react(self, message: Message, emoji: str = "\N{THUMBS UP SIGN}") -> None:
        """React to a message, or take the reaction away with "". Telegram may report it as an edit, too."""
        if (found := self._state.store.message(message.chat_id, message.id)) is None:
            raise LookupError("the message was deleted")
        before = self._state.directory.set_reaction(message.chat_id, message.id, self.id, emoji)
        self._state.events.tell("reaction", message.chat_id, message.id)
        now = int(self._state.clock())
        change: Json = {
            "chat": found.raw["chat"],
            "message_id": message.id,
            "user": self._json(),
            "date": now,
            "old_reaction": reaction_types(before),
            "new_reaction": reaction_types(emoji),
        }
        self._state.updates.push("message_reaction", change)
        if not message.from_bot:
            self._state.updates.push("edited_message", found.raw | {"edit_date": now})

    async def replace_photo(self, message: Message, content: bytes) -> Message:
        """Replace the picture of one's own message, keeping the caption."""
        found = self._state.store.message(message.chat_id, message.id)
        if found is None:
            raise LookupError("the message was deleted")
        return self._edited(message, found.raw | sent_media.photo(self._state.files, content))

    def _edited(self, message: Message, content: Json) -> Message:
        raw = content | {"edit_date": int(self._state.clock())}
        self._state.change_message(message.chat_id, raw)
        self._state.updates.push("edited_message", raw)
        return self._view(message.chat_id, message.id)

    async def delete(self, message: Message) -> None:
        """Delete a message; bots aren't notified."""
        self._state.delete_message(message.chat_id, message.id)

    async def press(self, message: Message, label: str) -> str:
        """Press a button by its text or data; returns the query's id."""
        found = self._state.store.message(message.chat_id, message.id)
        if found is None:
            raise LookupError("the message was deleted")
        buttons = found.view.buttons
        at = [index for index, one in enumerate(buttons) if one.data and label in (one.text, one.data)]
        if not at:
            raise LookupError(f"no button {label!r} among {[button.text for button in buttons]}")
        return self.press_button(message, at[0])

    def press_button(self, message: Message, index: int) -> str:
        """Press a button by its position among all of the message; returns the query's id."""
        found = self._state.store.message(message.chat_id, message.id)
        buttons = found.view.buttons if found else ()
        if found is None or not 0 <= index < len(buttons) or buttons[index].data is None:
            raise LookupError("there is no such button any more")
        number = str(self._state.queries.ask(Press(self.id, message.chat_id, message.id, index)))
        query: Json = {
            "id": number,
            "from": self._json(),
            "message": found.raw,
            "chat_instance": str(message.chat_id),
            "data": buttons[index].data,
        }
        self._state.updates.push("callback_query", query)
        return number

    async def stop(self, chat: Chat) -> None:
        """Press Stop next to the draft of a reply."""
        draft = chat.draft
        if draft is None or not draft.can_stop:
            raise LookupError("there is no draft that can be stopped")
        thread: Json = {} if draft.thread is None else {"message_thread_id": draft.thread}
        stopped: Json = {"chat": self._state.chat(chat.id), "draft_id": draft.id}
        self._state.updates.push("stopped_message_generation", stopped | thread)

    async def block(self) -> None:
        self._set_blocked(True)

    async def unblock(self) -> None:
        self._set_blocked(False)

    def _post(self, chat: Chat, content: Json, reply_to: Message | int | None, thread: int | None) -> Message:
        if thread is not None and not self._state.store.has_topic(chat.id, thread):
            raise LookupError(f"{chat.title} has no topic {thread}; open one with chat.topic(name)")
        target = None
        if reply_to is not None:
            number = reply_to if isinstance(reply_to, int) else reply_to.id
            found = self._state.store.message(chat.id, number)
            if found is None:
                raise LookupError(f"there is no message {number} to reply to")
            target = found.raw
        where = self._state.store.chat(chat.id)
        assert where is not None
        direct = self._state.own_topic(where, self.id)
        raw = self._state.post(where, self._json(), content, thread=thread, reply_to=target, direct=direct)
        if self._state.bot_status(chat.id) in ("member", "administrator"):
            self._state.updates.push("message", raw)
        return self._view(chat.id, cast("int", raw["message_id"]))

    def _view(self, chat_id: int, message_id: int) -> Message:
        found = self._state.store.message(chat_id, message_id)
        assert found is not None
        return found.view

    def set_bot_status(self, chat: Chat, status: str) -> None:
        """Add the bot to a group, make it an administrator, or remove it."""
        before = self._state.store.status(chat.id, self._state.bot_id)
        if before != status:
            self._state.set_status(chat.id, self._state.bot_id, status)
            self._report_status(chat.id, before, status)

    def _set_blocked(self, blocked: bool) -> None:
        before, after = ("member", "kicked") if blocked else ("kicked", "member")
        self._state.store.set_blocked(self.id, blocked)
        self._state.events.tell("chat", self.id)
        self._report_status(self.id, before, after)

    def _report_status(self, chat_id: int, before: str, after: str) -> None:
        change: Json = {
            "chat": self._state.store.chat(chat_id),
            "from": self._json(),
            "date": int(self._state.clock()),
            "old_chat_member": member(self._state.bot_user, before),
            "new_chat_member": member(self._state.bot_user, after),
        }
        self._state.updates.push("my_chat_member", change)

    def _json(self) -> Json:
        user = self._state.store.user(self.id)
        assert user is not None
        return user


def _content(text: str, entities: Sequence[Json] | None) -> Json:
    found = texts.detect_entities(text) if entities is None else list(entities)
    return {"text": text, "entities": found} if found else {"text": text}
