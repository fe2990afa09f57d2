"""The server's state, and the rules that several methods share: access, topics, posting, flood limits and previews.

Flood limits: one message per second in a chat, twenty per minute in a group, where edits count too. Previews are drafts
and chat actions, which are shown for a limited time.
"""

import math
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from sandbox.botapi import message
from sandbox.botapi.chat_events import ChatEvents
from sandbox.botapi.directory import Directory
from sandbox.botapi.stored_state import Files, SettingsStore, Store
from sandbox.botapi.updates import Changes, Queries, Updates, Webhook
from sandbox.botapi.wire import Json, bad_request, forbidden, too_many_requests

CHAT_WINDOW_S = 1.0
GROUP_WINDOW_S = 60.0
GROUP_MESSAGES = 20
DRAFT_S = 30.0
ACTION_S = 5.0
FIRST_DIRECT_TOPIC = 2**40
"""Above every user id: a topic's number has up to 52 bits and isn't a user's."""


class FloodLimits:
    """Counts messages and edits; off until `enabled`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.enabled = False
        self._clock = clock
        self._sent: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=1))
        self._written: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=GROUP_MESSAGES))

    def check(self, chat_id: int, edit: bool = False) -> None:
        """Count a message or an edit, or refuse it."""
        if not self.enabled:
            return
        windows = [] if edit else [(self._sent[chat_id], CHAT_WINDOW_S)]
        if chat_id < 0:
            windows.append((self._written[chat_id], GROUP_WINDOW_S))
        now = self._clock()
        wait = max((_wait(times, window, now) for times, window in windows), default=0.0)
        if wait > 0:
            raise too_many_requests(math.ceil(wait))
        for times, _ in windows:
            times.append(now)


def _wait(times: deque[float], window: float, now: float) -> float:
    """Seconds until one more fits into the window."""
    return times[0] + window - now if len(times) == times.maxlen else 0.0


@dataclass(frozen=True, slots=True)
class Draft:
    """A growing reply; `html` or `markdown` is the source of a rich one."""

    id: int
    text: str
    html: str | None = None
    markdown: str | None = None
    thread: int | None = None
    can_stop: bool = False
    entities: Sequence[Json] = ()


class Previews:
    """Drafts and actions of all chats; lost on restart, since they expire after 30 seconds anyway."""

    def __init__(self, clock: Callable[[], float], events: ChatEvents) -> None:
        self._clock = clock
        self._events = events
        self._drafts: dict[int, tuple[Draft, float]] = {}
        self._actions: dict[int, tuple[str, float]] = {}

    def show(self, chat_id: int, draft: Draft) -> None:
        """Replace the chat's draft."""
        self._drafts[chat_id] = (draft, self._clock() + DRAFT_S)
        self._events.tell("draft", chat_id)

    def act(self, chat_id: int, action: str) -> None:
        self._actions[chat_id] = (action, self._clock() + ACTION_S)
        self._events.tell("action", chat_id)

    def end(self, chat_id: int) -> None:
        """A message arrived, which replaces both."""
        if self._drafts.pop(chat_id, None):
            self._events.tell("draft", chat_id)
        if self._actions.pop(chat_id, None):
            self._events.tell("action", chat_id)

    def draft(self, chat_id: int) -> Draft | None:
        """The current draft."""
        draft, end = self._drafts.get(chat_id, (None, 0.0))
        return draft if self._clock() < end else None

    def action(self, chat_id: int) -> str | None:
        """The current chat action."""
        action, end = self._actions.get(chat_id, (None, 0.0))
        return action if self._clock() < end else None

    def ends(self, chat_id: int) -> tuple[float, float]:
        """When the draft and the action will disappear, if nothing comes before."""
        nothing = (None, 0.0)
        return self._drafts.get(chat_id, nothing)[1], self._actions.get(chat_id, nothing)[1]


@dataclass(frozen=True, slots=True)
class ServerState:
    """One bot and the users around it."""

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
    events: ChatEvents
    directory: Directory
    clock: Callable[[], float]

    @property
    def bot_id(self) -> int:
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
        """The topic in a channel's direct messages; None in other chats. Messages there need one."""
        if not chat.get("is_direct_messages"):
            return None
        if number is None:
            raise bad_request("direct messages topic must be specified in direct messages chats")
        if not self.store.has_topic(cast("int", chat["id"]), number):
            raise bad_request("direct messages topic not found")
        return {"topic_id": number, "user": self.store.user(number - FIRST_DIRECT_TOPIC)}

    def own_topic(self, chat: Json, user_id: int) -> Json | None:
        """A user's topic in a channel's direct messages, opened by their first message."""
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
        """Add a message to a chat, for all or for one `receiver`; a reply goes to the topic of its target."""
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
        self.events.tell("message", chat_id, message.number(raw))
        self.changes.note()
        return raw

    def change_message(self, chat_id: int, raw: Json, rich: Json | None = None) -> None:
        """Replace a message by its edited version."""
        self.store.change_message(chat_id, raw, rich)
        self.events.tell("message", chat_id, message.number(raw))
        self.changes.note()

    def delete_message(self, chat_id: int, message_id: int) -> None:
        self.store.delete_message(chat_id, message_id)
        self.events.tell("deleted", chat_id, message_id)
        self.changes.note()

    def name_topic(self, chat_id: int, thread: int, name: str) -> None:
        """Remember how people's apps show a topic."""
        self.directory.name_topic(chat_id, thread, name)
        self.events.tell("chat", chat_id)

    def bot_status(self, chat_id: int) -> str:
        """What the bot is in a chat: member, administrator, left, kicked, or blocked by the user."""
        if chat_id > 0:
            return "blocked" if self.store.blocked(chat_id) else "member"
        return self.store.status(chat_id, self.bot_id)

    def set_status(self, chat_id: int, user_id: int, status: str) -> None:
        """Let a user, or the bot, join or leave a group."""
        self.store.set_status(chat_id, user_id, status)
        self.events.tell("chat", chat_id)
        self.changes.note()
