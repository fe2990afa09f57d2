"""The conversation as a stream of events: what the bot previews, writes and rewrites.

The person at the terminal is the owner in a private chat, and anyone they like in other private chats and the group.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sandbox.seed import GROUP, GROUP_PEOPLE, OWNER
from sandbox.terminal.received_files import ReceivedFiles
from sandbox.terminal.screen import from_html
from sandbox.user_api.client import UserClient
from sandbox.user_api.shapes import (
    ButtonView,
    ChatView,
    CommandView,
    DraftView,
    Event,
    FileKind,
    MessageView,
    Pressed,
)

MOST_KNOWN = 500
"""How many of a chat's newest messages are watched for edits."""


@dataclass(frozen=True, slots=True)
class Typing:
    """The bot is typing."""


@dataclass(frozen=True, slots=True)
class ShownDraft:
    """A growing answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Written:
    """A new message, or an edited one."""

    text: str
    buttons: tuple[str, ...]
    edited: bool
    asks: str | None = None
    """If the next message becomes a reply to this one: the placeholder, which may be empty."""


@dataclass(frozen=True, slots=True)
class KeyboardChanged:
    """A message has other buttons now, or none, and the same text."""

    text: str
    buttons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deleted:
    """The bot deleted a message."""

    text: str


@dataclass(frozen=True, slots=True)
class PressAnswered:
    """What the app shows for a moment after a button was pressed."""

    text: str


Change = Typing | ShownDraft | Written | KeyboardChanged | Deleted | PressAnswered


class TerminalConversation:
    """A private chat or a group with the bot; older messages aren't reported again."""

    def __init__(self, client: UserClient, files: ReceivedFiles) -> None:
        self.speaker = OWNER
        """The name of the person who speaks."""
        self.menu: Sequence[CommandView] = ()
        """The bot's commands for this person here."""
        self.listening = asyncio.Event()
        """Set once nothing that happens can be missed."""
        self._client = client
        self._files = files
        self._known: dict[int, dict[int, MessageView]] = {}
        """The known messages of each chat, by their ids."""
        self._chat = 0
        self._prompt: int | None = None
        """The message to which the next one becomes a reply."""
        self._changes: asyncio.Queue[Change] = asyncio.Queue()

    @property
    def length(self) -> int:
        """The number of messages so far, by both sides."""
        return len(self._messages)

    @property
    def in_group(self) -> bool:
        """Whether the group is active."""
        return self._chat < 0

    async def go_home(self, speaker: str = OWNER) -> None:
        """Switch to the private chat of the owner, or of someone else."""
        await self._enter(await self._client.add_chat("private", "", [speaker]), speaker)

    async def go_to_group(self, speaker: str = OWNER) -> None:
        """Switch to the group as a speaker."""
        names = list(dict.fromkeys((*GROUP_PEOPLE, speaker)))
        await self._enter(await self._client.add_chat("group", GROUP, names), speaker)

    async def send(self, text: str) -> None:
        """Send a text; the bot may have asked for a reply."""
        self._keep(await self._client.say(self._chat, self.speaker, text, reply_to=self._prompt))
        self._prompt = None

    async def reply(self, back: int, text: str) -> bool:
        """Reply to a message, counted from the last one; returns whether it exists."""
        shown = self._shown()
        if not 1 <= back <= len(shown):
            return False
        self._keep(await self._client.say(self._chat, self.speaker, text, reply_to=shown[-back]["id"]))
        return True

    async def send_file(self, kind: FileKind, content: bytes, name: str, caption: str | None) -> None:
        """Send a photo, a voice message or a file."""
        sent = await self._client.send_files(
            self._chat, self.speaker, kind, [(name, content)], caption=caption or "", reply_to=self._prompt
        )
        self._prompt = None
        for message in sent:
            self._keep(message)

    async def edit(self, text: str) -> bool:
        """Edit the speaker's last message; returns whether there is one."""
        said = [one for one in self._shown() if one["from"] == {"name": self.speaker, "bot": False}]
        if said:
            self._keep(await self._client.edit(self._chat, self.speaker, said[-1]["id"], text))
        return bool(said)

    async def press(self, number: int) -> Pressed | None:
        """Press a button of the last message that has any; None if the number doesn't exist."""
        keyboards = [message for message in self._shown() if message["buttons"]]
        if not keyboards or not 1 <= number <= len(_buttons(keyboards[-1])):
            return None
        return await self._client.press(self._chat, self.speaker, keyboards[-1]["id"], number - 1)

    async def stop(self) -> None:
        """Press Stop next to the growing answer; raises UserApiError if there is no such button."""
        await self._client.stop(self._chat, self.speaker)

    async def next_change(self) -> Change:
        """What the bot does next."""
        return await self._changes.get()

    async def watch(self) -> None:
        """Take note of what happens, forever."""
        async for event in self._client.events():
            await self._take_event(event)

    async def catch_up(self) -> None:
        """Report what has happened here meanwhile."""
        for message in (await self._client.messages(self._chat))["messages"]:
            await self._take(message)

    @property
    def _messages(self) -> dict[int, MessageView]:
        return self._known.setdefault(self._chat, {})

    async def _enter(self, chat: ChatView, speaker: str) -> None:
        is_new = chat["id"] not in self._known
        self._chat, self.speaker, self._prompt = chat["id"], speaker, None
        if is_new:
            for message in (await self._client.messages(self._chat))["messages"]:
                self._keep(message)
        self.menu = await self._client.commands(self._chat, speaker)

    async def _take_event(self, event: Event) -> None:
        if event["type"] == "hello":  # after a break, too
            await self.catch_up()
            self.listening.set()
        elif event["type"] == "commands":
            self.menu = await self._client.commands(self._chat, self.speaker)
        elif event["chat"] != self._chat:
            return  # it is caught up with on going there
        elif event["type"] == "message":
            await self._take(event["message"])
        elif event["type"] == "deleted":
            gone = self._messages.pop(event["message"], None)
            if gone and gone["from"]["bot"]:
                self._changes.put_nowait(Deleted(await self._text(gone)))
        elif event["type"] == "draft" and event["draft"]:
            self._changes.put_nowait(ShownDraft(_plain(event["draft"]) or "Thinking..."))
        elif event["type"] == "action" and event["action"]:
            self._changes.put_nowait(Typing())
        elif event["type"] == "pressed" and event["text"] and event["as"] == self.speaker:
            self._changes.put_nowait(PressAnswered(event["text"]))

    async def _take(self, message: MessageView) -> None:
        """Report a message of the bot that is new or has changed."""
        before = self._messages.get(message["id"])
        if before is not None and before["edits"] >= message["edits"]:
            return
        self._keep(message)
        if message["from"]["bot"] and not message["service"] and self._is_shown(message):
            for change in self._compare(message, before, await self._text(message)):
                self._changes.put_nowait(change)

    def _compare(self, message: MessageView, before: MessageView | None, text: str) -> Iterator[Change]:
        labels = tuple(map(_label, _buttons(message)))
        if before is not None and _plain(before) == _plain(message):
            if before["buttons"] != message["buttons"]:
                yield KeyboardChanged(text, labels)
            return
        asked = message["asks"] is not None and self.speaker in (message["opened_for"] or [self.speaker])
        if asked:
            self._prompt = message["id"]
        yield Written(text, labels, before is not None, message["asks"] if asked else None)

    def _keep(self, message: MessageView) -> None:
        messages = self._known.setdefault(message["chat"], {})
        messages[message["id"]] = message
        if len(messages) > MOST_KNOWN:
            del messages[next(iter(messages))]

    def _shown(self) -> list[MessageView]:
        """The messages that the speaker sees, oldest first."""
        shown = [one for one in self._messages.values() if not one["service"] and self._is_shown(one)]
        return sorted(shown, key=lambda one: (one["date"], abs(one["id"])))

    def _is_shown(self, message: MessageView) -> bool:
        return message["ephemeral_for"] is None or self.speaker in (message["ephemeral_for"], message["from"]["name"])

    async def _text(self, message: MessageView) -> str:
        return await self._files.description(message) + _plain(message)


def _buttons(message: MessageView) -> list[ButtonView]:
    return [button for row in message["buttons"] for button in row]


def _label(button: ButtonView) -> str:
    return f"{button['text']} ({button['url']})" if "url" in button else button["text"]


def _plain(shown: DraftView | MessageView) -> str:
    return from_html(shown["html"]) if shown["html"] else shown["text"]
