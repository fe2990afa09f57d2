"""What people do in their apps, and what the apps wouldn't let them do."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sandbox.botapi import formatting
from sandbox.botapi.botapi_server import group_id
from sandbox.botapi.message import Message
from sandbox.botapi.people import Chat, User
from sandbox.botapi.server_state import ServerState
from sandbox.botapi.wire import Json
from sandbox.http import Upload
from sandbox.user_api.shapes import BotStatus, ChatView, MessageView, Pressed, TopicView
from sandbox.user_api.uploads import as_voice, check, contents
from sandbox.user_api.views import Views, chat_type

if TYPE_CHECKING:
    from sandbox.botapi import BotApi

LONGEST_NAME = 64
LONGEST_TEXT = 100_000
"""In characters; apps split a text into messages of 4096 UTF-16 units."""
LONGEST_EMOJI = 16
FIRST_ALBUM = 13_000_000_000
OUT = ("left", "kicked")
IN_GROUPS: Sequence[BotStatus] = ("left", "member", "administrator")


class Refused(Exception):  # noqa: N818 - it reads as a sentence
    """An app wouldn't offer this, or not in this state."""


class Acting:
    """Lets people act. Raises `Refused`, ValueError for wrong input, LookupError for what isn't there."""

    def __init__(self, api: "BotApi", state: ServerState, views: Views) -> None:
        self._api = api
        self._state = state
        self._views = views

    def add_chat(self, kind: str, title: str, people: Sequence[str]) -> ChatView:
        """A new chat, or an old one with more people in it."""
        users = [self.person(name) for name in people]
        if kind == "private":
            if len(users) != 1:
                raise ValueError("A private chat has one person.")
            return self._views.chat(self._api.private(users[0]).id)
        if kind not in ("group", "forum"):
            raise ValueError("The type is private, group or forum.")
        if not 0 < len(title) <= LONGEST_NAME:
            raise ValueError(f"A title has 1 to {LONGEST_NAME} characters.")
        number = group_id(title)
        known = self._state.store.chat(number)
        if known is None:
            if not users:
                raise ValueError("A group needs people.")
            chat = self._api.group(title, users, kind == "forum", bot_status="left")
            users[0].set_bot_status(chat, "member")
        elif chat_type(known) != kind:
            raise Refused(f"{title} is a {chat_type(known)}.")
        for user in users:
            if self._state.store.status(number, user.id) in OUT:
                self._state.set_status(number, user.id, "member")
        return self._views.chat(number)

    def add_topic(self, chat: Chat, name: str) -> TopicView:
        if not 0 < len(name) <= LONGEST_NAME:
            raise ValueError(f"A topic's name has 1 to {LONGEST_NAME} characters.")
        try:
            return {"id": chat.topic(name), "name": name}
        except ValueError as exc:
            raise Refused(f"{exc}.") from exc

    async def say(
        self, chat: Chat, user: User, text: str, reply_to: int | None, quote: str, topic: int | None
    ) -> MessageView:
        """Write; returns the last message of a long text. A command that the menu marks so is ephemeral."""
        self._check_writing(chat, user, topic)
        if not text.strip() or len(text) > LONGEST_TEXT:
            raise ValueError(f"A text has 1 to {LONGEST_TEXT:,} characters.")
        target = None if reply_to is None else self.message(chat, reply_to)
        if target is None and self._is_ephemeral(chat, user, text):
            message = await user.send_ephemeral(chat, text)
        else:
            quoted = {"quote": _quote(target, quote)} if quote else {}
            message = await user.say(chat, text, target, topic, None, **quoted)
        return self._views.message(chat.id, message.id)

    async def send_files(
        self, chat: Chat, user: User, kind: str, uploads: Sequence[Upload], caption: str, **place: int | None
    ) -> list[MessageView]:
        """Send files, with a caption at the first; `place`: reply_to and topic."""
        self._check_writing(chat, user, place["topic"])
        target = None if place["reply_to"] is None else self.message(chat, place["reply_to"])
        album = str(self._state.store.next_message_id(chat.id) + FIRST_ALBUM)
        check(kind, uploads)
        if kind == "voice":
            uploads = [await asyncio.to_thread(as_voice, one) for one in uploads]
        made = contents(self._state.files, kind, uploads, album)
        captions = [caption or None, *[None] * len(made)]
        sent = [
            await user.send(chat, content, words, target, place["topic"])
            for content, words in zip(made, captions, strict=False)
        ]
        return [self._views.message(chat.id, message.id) for message in sent]

    async def edit(self, chat: Chat, user: User, number: int, text: str) -> MessageView:
        if not text.strip() or formatting.units(text) > formatting.MAX_UNITS:
            raise ValueError(f"A text has 1 to {formatting.MAX_UNITS} characters.")
        try:
            await user.edit(self.message(chat, number), text)
        except ValueError as exc:
            raise Refused(f"{exc}.") from exc
        return self._views.message(chat.id, number)

    async def delete(self, chat: Chat, user: User, number: int) -> None:
        """Delete one's own message, or any in a private chat."""
        message = self.message(chat, number)
        self.check_presence(chat, user)
        if (message.from_bot or message.sender != user.name) and chat.id != user.id:
            raise Refused(f"{user.name} can't delete what someone else wrote.")
        await user.delete(message)

    def press(self, chat: Chat, user: User, number: int, index: int) -> Pressed:
        """Press a button: for the bot, or one that the app itself handles."""
        message = self.message(chat, number)
        self.check_presence(chat, user)
        if message.receiver not in (None, user.id):
            raise Refused(f"{user.name} doesn't see this message.")
        buttons = [button for row in self._views.message(chat.id, number)["buttons"] for button in row]
        if not 0 <= index < len(buttons):
            raise Refused("There is no such button any more.")
        button = buttons[index]
        query = user.press_button(message, index) if "data" in button else None
        return {"query": query, "url": button.get("url"), "copy": button.get("copy")}

    async def react(self, chat: Chat, user: User, number: int, emoji: str) -> None:
        self.check_presence(chat, user)
        if len(emoji) > LONGEST_EMOJI:
            raise ValueError("A reaction is one emoji.")
        await user.react(self.message(chat, number), emoji)

    async def stop(self, chat: Chat, user: User) -> None:
        self.check_presence(chat, user)
        try:
            await user.stop(chat)
        except LookupError as exc:
            raise Refused("No answer in progress has a Stop button.") from exc

    async def set_membership(self, chat: Chat, user: User, status: str) -> ChatView:
        """Block the bot, or bring it into a group, or out of it."""
        self.check_presence(chat, user)
        if chat.id == user.id:
            if status not in ("blocked", "member"):
                raise ValueError("In a private chat the status is blocked or member.")
            if status != self._state.bot_status(chat.id):
                await (user.block() if status == "blocked" else user.unblock())
        elif status not in IN_GROUPS:
            raise ValueError(f"In a group the status is one of {', '.join(IN_GROUPS)}.")
        else:
            user.set_bot_status(chat, status)
        return self._views.chat(chat.id)

    def person(self, name: str) -> User:
        """The person of this name, who may be new."""
        if not 0 < len(name.strip()) <= LONGEST_NAME or not name.isprintable():
            raise ValueError(f"A person's name has 1 to {LONGEST_NAME} characters.")
        return self._api.user(name)

    def message(self, chat: Chat, number: int) -> Message:
        """A message that isn't deleted."""
        message = chat.message(number)
        if message.deleted:
            raise LookupError(f"message {number} was deleted")
        return message

    def check_presence(self, chat: Chat, user: User) -> None:
        """Refuse who isn't in the chat."""
        if chat.id > 0 and chat.id != user.id:
            raise Refused(f"This is the private chat of {chat.title}.")
        if chat.id < 0 and self._state.store.status(chat.id, user.id) in OUT:
            raise Refused(f"{user.name} is not in {chat.title}.")

    def _check_writing(self, chat: Chat, user: User, topic: int | None) -> None:
        self.check_presence(chat, user)
        if self._state.bot_status(chat.id) == "blocked":
            raise Refused(f"{user.name} has blocked the bot.")
        if topic is not None and not self._state.store.has_topic(chat.id, topic):
            raise LookupError(f"there is no topic {topic}")

    def _is_ephemeral(self, chat: Chat, user: User, text: str) -> bool:
        """Whether only the bot gets to see this command of a group."""
        if chat.id > 0 or not text.startswith("/"):
            return False
        command, _, username = text[1:].split(maxsplit=1)[0].partition("@") if text[1:].strip() else ("", "", "")
        menu = self._views.menu(chat.id, user.id)
        marked = any(one["command"] == command and one.get("is_ephemeral") for one in menu)
        return marked and username in ("", self._state.bot["username"])


def _quote(target: Message | None, text: str) -> Json:
    """A quoted part, by its position in the message that is replied to."""
    position = target.text.find(text) if target else -1
    if target is None or position < 0:
        raise ValueError("A quote is part of the message that is replied to.")
    return {"text": text, "position": formatting.units(target.text[:position]), "is_manual": True}
