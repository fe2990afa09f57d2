"""Everything the methods work with, and the rules that several of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from sandbox.botapi.changes import Changes
from sandbox.botapi.errors import bad_request, forbidden
from sandbox.botapi.files import Files
from sandbox.botapi.limits import FloodLimits
from sandbox.botapi.previews import Previews
from sandbox.botapi.queries import Queries
from sandbox.botapi.settings import SettingsStore
from sandbox.botapi.store import Store
from sandbox.botapi.updates import Updates
from sandbox.botapi.webhook import Webhook
from sandbox.botapi.wire import Json

FIRST_DIRECT_TOPIC = 2**40
"""Above every user's number: the topic's number has up to 52 bits, and is nobody's own."""


@dataclass(frozen=True, slots=True)
class World:
    """One bot and the people around it."""

    bot: Json
    store: Store
    files: Files
    queries: Queries
    settings: SettingsStore
    updates: Updates
    webhook: Webhook
    previews: Previews
    limits: FloodLimits
    changes: Changes
    clock: Callable[[], float]

    @property
    def bot_id(self) -> int:
        """The bot's user id."""
        return cast("int", self.bot["id"])

    @property
    def bot_user(self) -> Json:
        """The bot as a sender."""
        return {key: self.bot[key] for key in ("id", "is_bot", "first_name", "username")}

    def chat(self, chat_id: int) -> Json:
        """A chat that the bot can see."""
        chat = self.store.chat(chat_id)
        if chat is None:
            raise bad_request("chat not found")
        if chat["type"] != "private" and self.store.status(chat_id, self.bot_id) in ("left", "kicked"):
            raise forbidden(f"bot is not a member of the {chat['type']} chat")
        return chat

    def open_chat(self, chat_id: int, thread: int | None = None) -> Json:
        """A chat (and topic) that the bot can write to."""
        chat = self.chat(chat_id)
        if self.store.blocked(chat_id):
            raise forbidden("bot was blocked by the user")
        direct = bool(chat.get("is_direct_messages"))
        if thread is not None and (direct or not self.store.has_topic(chat_id, thread)):
            raise bad_request("message thread not found")
        return chat

    def direct_topic(self, chat: Json, number: int | None) -> Json | None:
        """Whose topic of a channel's direct messages it is; other chats have none, and nothing is said beside them."""
        if not chat.get("is_direct_messages"):
            return None
        if number is None:
            raise bad_request("direct messages topic must be specified in direct messages chats")
        if not self.store.has_topic(cast("int", chat["id"]), number):
            raise bad_request("direct messages topic not found")
        return {"topic_id": number, "user": self.store.user(number - FIRST_DIRECT_TOPIC)}

    def own_topic(self, chat: Json, user_id: int) -> Json | None:
        """A person's topic in a channel's direct messages, opened with their first words."""
        if not chat.get("is_direct_messages"):
            return None
        chat_id, number = cast("int", chat["id"]), FIRST_DIRECT_TOPIC + user_id
        if not self.store.has_topic(chat_id, number):
            self.store.add_topic(chat_id, number)
        return self.direct_topic(chat, number)

    def post(
        self,
        chat: Json,
        sender: Json,
        content: Json,
        *,
        thread: int | None = None,
        reply_to: Json | None = None,
        rich: Json | None = None,
        direct: Json | None = None,
        receiver: Json | None = None,
    ) -> Json:
        """Add a message to a chat, for all or for one `receiver`; a reply goes where the message is that it answers."""
        chat_id = cast("int", chat["id"])
        if reply_to is not None:
            thread = cast("int | None", reply_to.get("message_thread_id", thread))
        raw: Json = {
            "message_id": 0 if receiver else self.store.next_message_id(chat_id),
            "from": sender,
            "chat": chat,
            "date": int(self.clock()),
        }
        if receiver is not None:
            raw |= {"ephemeral_message_id": self.store.next_ephemeral_id(chat_id), "receiver_user": receiver}
        if thread is not None:
            raw |= {"message_thread_id": thread, "is_topic_message": True}
            if reply_to is None and (opening := self.store.message(chat_id, thread)):
                reply_to = opening.raw  # Telegram marks each message of a topic as a reply to the topic's first one
        if direct is not None:
            raw["direct_messages_topic"] = direct
        if reply_to is not None:
            raw["reply_to_message"] = {key: item for key, item in reply_to.items() if key != "reply_to_message"}
        raw |= content
        self.store.add_message(chat_id, raw, rich)
        self.changes.note()
        return raw
