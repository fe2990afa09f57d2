"""The chats as every open page sees them: one connection to the user-side API, and what it tells goes to all pages."""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection
from typing import Final, Protocol

from sandbox.page.rows import Place, Row, key, preview
from sandbox.user_api.client import UserClient
from sandbox.user_api.shapes import ChatView, Event, MessageView

log = logging.getLogger(__name__)
AGAIN_S: Final = 1.0
"""After a lost connection."""


class Listener(Protocol):
    """An open page."""

    place: Place | None

    def hear(self, event: Event) -> None:
        """Something happened."""

    def show_chats(self) -> None:
        """The list of chats has changed."""


class Hub:
    """Chats, their last messages, and how many of them no page has shown."""

    def __init__(self, client: UserClient, owners: Collection[int]) -> None:
        self.client = client
        self.bot_name = ""
        self.dark: bool | None = None
        """Dark, light, or as the system is."""
        self.chats: dict[int, ChatView] = {}
        self.listeners: list[Listener] = []
        self._owners = owners
        self._last: dict[Place, MessageView] = {}
        self._unread: Counter[Place] = Counter()
        self._acting: set[int] = set()

    async def run(self) -> None:
        """Follow the events until cancelled, over lost connections."""
        while True:
            try:
                async for event in self.client.events():
                    if event["type"] == "hello":
                        await self.load()
                    self._note(event)
                    self._tell(event)
            except Exception:  # whatever it was, the pages go on
                log.exception("the events have to be read again")
            await asyncio.sleep(AGAIN_S)

    def _tell(self, event: Event) -> None:
        for listener in list(self.listeners):
            try:
                listener.hear(event)
                listener.show_chats()
            except Exception:  # one page's fault, such as being closed just now, is none of the others'
                log.exception("a page could not show an event")

    async def load(self) -> None:
        """Read the state; raises UserApiError."""
        state = await self.client.state()
        self.bot_name = state["bot"]["name"]
        # The owner's chat, where a newcomer begins, then groups, and then people who have to ask for access.
        ordered = sorted(state["chats"], key=lambda chat: (chat["id"] not in self._owners, chat["type"] == "private"))
        self.chats = {chat["id"]: chat for chat in ordered}
        for chat in ordered:
            if chat["last"] is not None:
                self._last[chat["id"], None] = chat["last"]
            for topic in chat["topics"]:
                found = await self.client.messages(chat["id"], topic=topic["id"], limit=1)
                for message in found["messages"]:
                    self._last[chat["id"], topic["id"]] = message

    def see(self, place: Place) -> None:
        """A page shows this chat now."""
        self._unread.pop(place, None)

    def rows(self) -> list[Row]:
        """The list of chats, each with its topics."""
        return [
            self._row(chat, place, title)
            for chat in self.chats.values()
            for place, title in [
                ((chat["id"], None), chat["title"]),
                *(((chat["id"], topic["id"]), topic["name"]) for topic in chat["topics"]),
            ]
        ]

    def _row(self, chat: ChatView, place: Place, title: str) -> Row:
        last = self._last.get(place)
        is_topic = place[1] is not None
        named = last is not None and not last["service"] and chat["type"] != "private"
        return {
            "key": key(place),
            "title": title,
            "topic": is_topic,
            "note": "" if is_topic else "owner" if place[0] in self._owners else chat["type"],
            "date": last["date"] if last else 0,
            "from": last["from"]["name"] if last and named else "",
            "preview": preview(last) if last else "",
            "unread": self._unread[place],
            "typing": not is_topic and place[0] in self._acting,
        }

    def _note(self, event: Event) -> None:
        match event["type"]:
            case "message":
                self._keep(event["message"])
            case "chat":
                self.chats[event["chat"]] = event["details"]
            case "action":
                (self._acting.add if event["action"] else self._acting.discard)(event["chat"])

    def _keep(self, message: MessageView) -> None:
        """Keep a message as the last one of its chat and its topic, and count it if nobody looks there."""
        place = message["chat"], message["topic"]
        for one in {place, (message["chat"], None)}:
            known = self._last.get(one)
            if known is None or message["id"] >= known["id"]:
                is_new = known is None or message["id"] > known["id"]
                self._last[one] = message
                if one == place and is_new and message["from"]["bot"]:
                    self._acting.discard(message["chat"])
                    self._unread[place] += all(listener.place != place for listener in self.listeners)
