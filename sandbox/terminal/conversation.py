"""The conversation as a stream of events: what the bot previews, writes and rewrites.

The person at the terminal is one user in the private chat, and anyone they like in the group.
"""

import mimetypes
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import PIL

from sandbox import botapi
from sandbox.botapi import BotApi, sent_media
from sandbox.terminal.screen import from_html

USER, GROUP, FRIENDS = "You", "Friends", ("Ann", "Bob")
RECENT = 20
"""How many of the last messages are watched for edits."""


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


Event = Typing | ShownDraft | Written | KeyboardChanged | Deleted
Look = tuple[str, tuple[str, ...], bool]
"""A message as it was last seen: its text, its buttons, and whether it is deleted."""


class TerminalConversation:
    """A private chat or a group with the bot; older messages aren't reported again."""

    def __init__(self, telegram: BotApi) -> None:
        self._telegram = telegram
        self._known: dict[int, dict[int, Look]] = {}
        """The known messages of each chat, by their ids."""
        self._preview: botapi.Draft | str | None = None
        self._news: list[Event] = []
        self._user = telegram.user(USER)
        self._chat = self._enter(telegram.private(self._user))

    @property
    def length(self) -> int:
        """The number of messages so far, by both sides."""
        return len(self._looks)

    @property
    def speaker(self) -> str:
        """The name of the current speaker."""
        return self._user.name

    @property
    def in_group(self) -> bool:
        """Whether the group is active."""
        return self._chat.id != self._user.id

    def go_home(self) -> None:
        """Switch to the private chat."""
        self._user = self._telegram.user(USER)
        self._chat = self._enter(self._telegram.private(self._user))

    def go_to_group(self, speaker: str = USER) -> None:
        """Switch to the group as a speaker."""
        names = dict.fromkeys((USER, *FRIENDS, speaker))
        self._user = self._telegram.user(speaker)
        self._chat = self._enter(self._telegram.group(GROUP, [self._telegram.user(name) for name in names]))

    async def send(self, text: str) -> None:
        """Send a text."""
        await self._user.say(self._chat, text)

    async def send_file(self, kind: str, content: bytes, name: str, caption: str | None) -> None:
        """Send a photo, a voice message or a file; raises ValueError if it isn't one."""
        if kind == "photo":
            try:
                await self._user.photo(self._chat, content, caption)
            except PIL.UnidentifiedImageError as exc:
                raise ValueError("a photo is a JPEG, PNG or the like") from exc
        elif kind == "voice":
            await self._user.voice(self._chat, content, sent_media.opus_seconds(content))
        else:
            mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
            await self._user.document(self._chat, content, name, mime, caption)

    async def edit(self, text: str) -> bool:
        """Edit the speaker's last message; returns whether there is one."""
        said = [one for one in self._recent() if one.sender == self._user.name and not one.from_bot]
        if said:
            await self._user.edit(said[-1], text)
        return bool(said)

    async def press(self, number: int) -> bool:
        """Press a button of the last message that has any; returns whether the number exists."""
        keyboards = [message for message in self._recent() if message.buttons and not message.deleted]
        buttons = keyboards[-1].buttons if keyboards else ()
        if not 1 <= number <= len(buttons) or buttons[number - 1].data is None:
            return False
        await self._user.press(keyboards[-1], buttons[number - 1].data or "")
        return True

    async def stop(self) -> bool:
        """Press Stop next to the growing answer; returns whether there is such a button."""
        draft = self._chat.draft
        if draft is None or not draft.can_stop:
            return False
        await self._user.stop(self._chat)
        return True

    async def events(self) -> AsyncIterator[Event]:
        """What the bot does, as it happens, forever."""
        while True:
            await self._telegram.changed(self._look, timeout=None)
            for event in self._news:
                yield event
            self._news = []

    def _enter(self, chat: botapi.Chat) -> botapi.Chat:
        self._looks = self._known.setdefault(chat.id, {message.id: _look_of(message) for message in chat.messages})
        return chat

    def _look(self) -> bool:
        """Collect new events; returns whether there are any."""
        for message in self._recent():
            before, now = self._looks.get(message.id), _look_of(message)
            self._looks[message.id] = now
            if message.from_bot and now != before:
                self._news += self._changes(message, before)
        preview = self._chat.draft or self._chat.action
        if preview is not None and preview != self._preview:
            self._news.append(Typing() if isinstance(preview, str) else ShownDraft(_plain(preview) or "Thinking..."))
        self._preview = preview
        return bool(self._news)

    def _changes(self, message: botapi.Message, before: Look | None) -> Iterator[Event]:
        if message.deleted:
            if before is not None:
                yield Deleted(_file(message) + _plain(message))
        elif before is None or before[0] != message.text:
            asked = message.asks and (message.opened_for is None or self._user.id in message.opened_for)
            labels = tuple(button.text for button in message.buttons)
            text = _file(message) + _plain(message)
            yield Written(text, labels, before is not None, (message.placeholder or "") if asked else None)
        else:
            yield KeyboardChanged(_file(message) + _plain(message), tuple(button.text for button in message.buttons))

    def _recent(self) -> Iterator[botapi.Message]:
        number = max(1, max(self._looks, default=0) - RECENT)
        try:
            while True:
                yield self._chat.message(number)
                number += 1
        except LookupError:
            return  # ids have no gaps, so there is no later one


def _look_of(message: botapi.Message) -> Look:
    return message.text, tuple(button.text for button in message.buttons), message.deleted


def _file(message: botapi.Message) -> str:
    if message.photo:
        return "[a picture] "
    if message.voice:
        return "[a voice message] "
    return f"[the file {message.file_name}] " if message.document is not None else ""


def _plain(shown: botapi.Draft | botapi.Message) -> str:
    return from_html(shown.html) if shown.html else shown.text
