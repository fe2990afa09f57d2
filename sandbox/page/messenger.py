"""One open page: the list of chats, the chat that is open, and the inspector next to it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode

from nicegui import ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from sandbox.page.dialogs import FormDialog, icon_button, model_banner, say_no, trouble_drawer
from sandbox.page.hub import Hub
from sandbox.page.rows import Place, Row, draft_row, key, message_row, parse_key
from sandbox.troubles import Troubles
from sandbox.user_api.client import UserApiError
from sandbox.user_api.shapes import BotStatus, ChatView, Event, MessagesView, PressedEvent
from sandbox.world import World

AT_ONCE: Final = 60
"""Messages that are fetched at once."""
LOOK_S: Final = 1.0
"""How often it is looked whether the inspector has started."""
HINTS: Final = {
    "private": "Say something, or type / for commands.",
    "group": "Call the bot by its name: “Keepsake, hello.”",
    "forum": "Call the bot by its name: “Keepsake, hello.”",
}
ABSENT: Final = {"left": " · the bot is not here", "blocked": " · the bot is blocked"}
BLOCKED: Final = "The bot is blocked. The menu at the top unblocks it."
MEMBERSHIPS: Final[dict[str, list[tuple[str, BotStatus]]]] = {
    "private": [("Block the bot", "blocked")],
    "blocked": [("Unblock the bot", "member")],
    "left": [("Add the bot", "member")],
    "member": [("Make the bot an administrator", "administrator"), ("Remove the bot", "left")],
    "administrator": [("Make the bot an ordinary member", "member"), ("Remove the bot", "left")],
}
NEW_CHAT: Final = "Without a title it is a private chat of one person; with topics, it is a forum."


class ChatList(Element, component="chat_list.js", dependencies=["bubble.js"]):
    """The chats at the left."""


class Transcript(Element, component="transcript.js", dependencies=["bubble.js", "composer.js"]):
    """The messages of one chat, and the composer."""


class Messenger:
    """Builds the page for one visitor, and keeps it up to date."""

    def __init__(self, hub: Hub, world: World, troubles: Troubles) -> None:
        self.place: Place | None = None
        self._hub = hub
        self._api = hub.client
        self._world = world
        self._speaker = ""
        self._heard: list[Event] = []
        self._opening = asyncio.Lock()
        ui.add_head_html('<link rel="stylesheet" href="/page.css">')
        ui.colors(primary="var(--accent)")
        self._dark = ui.dark_mode(hub.dark)
        self._toggle_drawer = trouble_drawer(troubles)
        self._build_forms()
        with ui.element("div").classes("app listing") as self._root:
            self._build_left()
            with ui.splitter(value=100, limits=(30, 100)).classes("middle closed") as self._splitter:
                with self._splitter.before, ui.element("div").classes("open-chat"):
                    self._build_header()
                    model_banner(world)
                    self._transcript = self._build_transcript()
                with self._splitter.after, ui.element("aside").classes("inspector").props('aria-label="Inspector"'):
                    with ui.element("header").classes("bar"):
                        ui.label("What this answer was made of").classes("title grow")
                        icon_button("close", "Close the inspector", self._close_inspector, "close-inspector")
                    self._frame = ui.element("iframe").props('title="Inspector" data-testid=inspector')
        hub.listeners.append(self)
        ui.context.client.on_delete(lambda: hub.listeners.remove(self))
        ui.timer(LOOK_S, self._look)

    async def start(self, address: str, speaker: str) -> None:
        """Open the chat that the page's address names, or the first one."""
        try:
            place = parse_key(address)
        except ValueError:
            place = 0, None
        if place[0] in self._hub.chats:
            await self._open(place, speaker)
        elif self._hub.chats:
            await self._open((next(iter(self._hub.chats)), None))
            self._root.classes(add="listing")

    def hear(self, event: Event) -> None:
        """Show what happened, if it did in the chat that is open."""
        if event["type"] in ("hello", "commands"):
            self._soon(self._open_again if event["type"] == "hello" else self._show_room)
        if self.place is None or event["type"] == "hello" or event["chat"] != self.place[0]:
            return
        if self._opening.locked() and event["type"] != "pressed":
            self._heard.append(event)
        self._show_event(event)

    def _show_event(self, event: Event) -> None:
        match event["type"]:
            case "message" if self.place and event["message"]["topic"] == self.place[1]:
                self._transcript.run_method("put", message_row(event["message"]))
            case "deleted":
                self._transcript.run_method("gone", event["message"])
            case "reaction":
                self._transcript.run_method("change", event["message"], {"reactions": event["reactions"]})
            case "draft" if event["draft"] is None or (self.place and event["draft"]["topic"] == self.place[1]):
                self._transcript.run_method("show", {"draft": draft_row(event["draft"], time.time())})
            case "action":
                self._transcript.run_method("show", {"action": event["action"] or ""})
            case "pressed":
                self._answer_press(event)
            case "chat":
                self._show_header(event["details"])

    def show_chats(self) -> None:
        """Show the list as it is now."""
        rows = self._hub.rows()
        if self._chats.props.get("chats") != rows:
            self._chats.props["chats"] = rows
            self._chats.update()

    def _build_forms(self) -> None:
        async def add_chat(title: str, people: str, topics: str) -> None:
            names = [name.strip() for name in people.split(",") if name.strip()]
            kind: Final = "private" if not title else "forum" if topics else "group"
            chat = await self._api.add_chat(kind, title or people, names)
            for topic in filter(None, map(str.strip, topics.split(","))):
                await self._api.add_topic(chat["id"], topic)
            self._hub.chats.setdefault(chat["id"], chat)
            await self._open((chat["id"], None))

        async def add_person(name: str) -> None:
            await self._api.add_chat(self._chat["type"], self._chat["title"], [name])

        async def add_topic(name: str) -> None:
            await self._api.add_topic(self._chat["id"], name)

        fields = {"title": "Title", "people": "People, separated by commas", "topics": "Topics, separated by commas"}
        self._chat_form = FormDialog("New chat", fields, add_chat, NEW_CHAT, "new")
        self._person_form = FormDialog("Add a person", {"name": "Name"}, add_person, name="person")
        self._topic_form = FormDialog("New topic", {"name": "Name"}, add_topic, name="topic")

    def _build_left(self) -> None:
        with ui.element("aside").classes("left").props('aria-label="Chats and settings"'):
            with ui.element("header").classes("bar"):
                ui.label("Keepsake sandbox").classes("title grow").props("role=heading aria-level=1")
                icon_button("add_comment", "New chat", self._chat_form.open, "new-chat")
                icon_button("contrast", "Light or dark", self._switch_dark, "dark")
                icon_button("bolt", "Trouble", self._toggle_drawer, "trouble")
            self._chats = ChatList().on("open", lambda event: self._do(self._open(parse_key(event.args))))
            self.show_chats()

    def _build_header(self) -> None:
        with ui.element("header").classes("bar"):
            icon_button("arrow_back", "Back to the chats", lambda: self._root.classes(add="listing"), "back").classes(
                "back"
            )
            with ui.element("div").classes("words"):
                self._title = ui.label().classes("title").props("dir=auto role=heading aria-level=2")
                self._subtitle = ui.label().classes("subtitle")
            self._people = ui.button(color=None).props("outline no-caps icon-right=expand_more data-testid=speaker")
            with self._people.props("aria-haspopup=listbox"):
                self._speakers = ui.menu().props('role=listbox aria-label="Speak as"')
            with icon_button("more_vert", "More", None, "chat-menu"):
                self._menu = ui.menu()

    def _build_transcript(self) -> Transcript:
        transcript = Transcript().classes("filling")
        transcript.props["botName"] = self._hub.bot_name
        for name in ("edit", "delete", "react", "press", "stop"):
            transcript.on(name, self._handled(lambda *args, name=name: self._act(name, *args)))
        transcript.on("send", self._handled(self._send))
        transcript.on("older", self._handled(self._fetch_older))
        transcript.on("inspect", self._handled(self._inspect))
        transcript.on("failed", lambda event: say_no(event.args))
        transcript.on("copied", lambda: ui.notify("Copied", position="top"))
        return transcript

    @property
    def _chat(self) -> ChatView:
        assert self.place is not None
        return self._hub.chats[self.place[0]]

    def _handled(self, handler: Callable[..., Awaitable[object]]) -> Callable[[GenericEventArguments], Awaitable[None]]:
        """The handler of an event whose arguments are a list, or the only one, or None."""

        def arguments(event: GenericEventArguments) -> list[object]:
            return event.args if isinstance(event.args, list) else [] if event.args is None else [event.args]

        return lambda event: self._do(handler(*arguments(event)))

    async def _do(self, doing: Awaitable[object]) -> None:
        """What a person has asked for; what the API refuses is said."""
        try:
            await doing
        except (UserApiError, ValueError) as exc:
            say_no(str(exc))

    def _soon(self, act: Callable[[], Awaitable[object]]) -> None:
        """Act in this page's context."""
        with self._root:
            ui.timer(0, lambda: self._do(act()), once=True)

    async def _act(self, name: str, *arguments: object, **more: object) -> None:
        """One of the API's methods for a person in a chat."""
        await getattr(self._api, name)(self._chat["id"], self._speaker, *arguments, **more)

    async def _send(self, message: dict[str, object]) -> None:
        assert self.place is not None
        more = {name: message[name] for name in ("reply_to", "quote") if message.get(name)}
        await self._act("say", str(message["text"]), topic=self.place[1], **more)

    async def _open(self, place: Place, speaker: str = "") -> None:
        chat = self._hub.chats[place[0]]
        self._speaker = speaker if speaker in chat["people"] else chat["people"][0]
        self.place = place
        self._hub.see(place)
        self._root.classes(remove="listing")
        self._chats.props["active"] = key(place)
        self._chats.update()
        self.show_chats()
        self._show_header(chat)
        await self._open_again()
        self._remember()

    async def _open_again(self) -> None:
        """Read the messages of the open chat."""
        if self.place is None:
            return
        async with self._opening:
            self._heard.clear()
            chat, found, place = self._chat, await self._fetch(), self.place
            state = {"grouped": chat["type"] != "private", "hint": HINTS[chat["type"]], "action": found["action"] or ""}
            state |= _page(found) | {"draft": draft_row(found["draft"], time.time())} | await self._room()
            self._transcript.run_method("open", state)
            for event in self._heard if place == self.place else ():  # they may have come after the messages were read
                self._show_event(event)

    async def _fetch(self, before: int | None = None) -> MessagesView:
        """Messages of the open chat; in a forum, those outside of topics are asked for as topic 0."""
        assert self.place is not None
        topic = 0 if self.place[1] is None and self._chat["type"] == "forum" else self.place[1]
        return await self._api.messages(self._chat["id"], topic=topic, before=before, limit=AT_ONCE)

    async def _fetch_older(self, before: int) -> None:
        self._transcript.run_method("older", _page(await self._fetch(before)))

    async def _room(self) -> Row:
        """Who speaks where, and with which commands."""
        assert self.place is not None
        return {
            "room": {"chat": self._chat["id"], "topic": self.place[1], "as": self._speaker},
            "commands": await self._api.commands(self._chat["id"], self._speaker),
            "closed": BLOCKED if self._chat["bot_is"] == "blocked" else "",
        }

    async def _show_room(self) -> None:
        self._transcript.run_method("show", await self._room())

    async def _speak_as(self, name: str) -> None:
        self._speaker = name
        self._speakers.close()  # the item that was chosen is made again, and can't do that
        self._show_header(self._chat)
        await self._show_room()
        self._remember()

    def _remember(self) -> None:
        """Keep chat and speaker in the address, for the next reload."""
        assert self.place is not None
        ui.navigate.history.replace("/?" + urlencode({"chat": key(self.place), "as": self._speaker}))

    def _show_header(self, chat: ChatView) -> None:
        topics = [topic["name"] for topic in chat["topics"] if self.place and topic["id"] == self.place[1]]
        self._title.text = " · ".join([*topics, chat["title"]])
        people = ["with", self._hub.bot_name] if chat["type"] == "private" else [", ".join(chat["people"])]
        self._subtitle.text = " ".join(people) + ABSENT.get(chat["bot_is"], "")
        self._people.set_visibility(chat["type"] != "private")
        self._people.text = f"Speak as {self._speaker}"
        self._speakers.clear()
        with self._speakers:
            for name in chat["people"]:
                item = ui.menu_item(name, lambda name=name: self._do(self._speak_as(name)))
                item.props(f"role=option aria-selected={str(name == self._speaker).lower()}")
        self._menu.clear()
        with self._menu:
            if chat["type"] != "private":
                ui.menu_item("Add a person", self._person_form.open)
            if chat["type"] == "forum":
                ui.menu_item("New topic", self._topic_form.open)
            status = "private" if chat["type"] == "private" and chat["bot_is"] != "blocked" else chat["bot_is"]
            for label, wanted in MEMBERSHIPS[status]:
                ui.menu_item(label, lambda wanted=wanted: self._do(self._set_membership(wanted)))

    async def _set_membership(self, status: BotStatus) -> None:
        await self._act("set_membership", status)
        await self._show_room()

    def _answer_press(self, event: PressedEvent) -> None:
        self._transcript.run_method("answered", event["message"], event["button"])
        if event["as"] != self._speaker:
            return
        with self._root:
            if event["alert"]:
                with ui.dialog(value=True) as dialog, ui.card().classes("dialog"):
                    ui.label(event["text"])
                    ui.button("OK", on_click=dialog.close).props("flat").classes("self-end")
                dialog.on("hide", dialog.delete)
            elif event["text"]:
                ui.notify(event["text"], position="top")

    async def _inspect(self, message: int) -> None:
        assert self.place is not None
        address = {"chat": self.place[0], "topic": self.place[1] or "", "message": message}
        self._frame.props["src"] = f"{self._world.inspector_url}&{urlencode(address)}"
        self._frame.update()
        if "closed" in self._splitter.classes:
            self._splitter.value = 55
        self._splitter.classes(remove="closed")

    def _close_inspector(self) -> None:
        self._splitter.value = 100
        self._splitter.classes(add="closed")

    def _switch_dark(self) -> None:
        """As the system, dark, light, and again."""
        self._hub.dark, said = {None: (True, "Dark"), True: (False, "Light"), False: (None, "As the system")}[
            self._hub.dark
        ]
        self._dark.value = self._hub.dark
        ui.notify(said, position="top")

    def _look(self) -> None:
        inspector = bool(self._world.inspector_url)
        if self._transcript.props.get("inspector") != inspector:
            self._transcript.props["inspector"] = inspector
            self._transcript.update()


def _page(found: MessagesView) -> Row:
    """The messages to show, and whether there may be more before them."""
    rows = [message_row(message) for message in found["messages"] if not message["deleted"]]
    return {"rows": rows, "more": len(found["messages"]) >= AT_ONCE}
