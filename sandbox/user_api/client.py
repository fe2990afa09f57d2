"""The client of the user-side API: what a page or a terminal needs to play the people.

``async with UserClient(url, token) as client``, with the URL of the Bot API server. A refusal raises `UserApiError`,
whose text is the server's sentence; so does a server that can't be reached.
"""

import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, cast
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from sandbox.user_api.address import read_address
from sandbox.user_api.shapes import (
    BotStatus,
    ChatType,
    ChatView,
    CommandView,
    Event,
    FileKind,
    MessagesView,
    MessageView,
    Pressed,
    StateView,
    TopicView,
)

TIMEOUT_S = 30.0
MOST_EVENT = 64 * 1024 * 1024
"""The longest event, in bytes."""


class UserApiError(Exception):
    """What people asked for wasn't done; `code` is the HTTP status, 0 without an answer."""

    def __init__(self, sentence: str, code: int = 0) -> None:
        super().__init__(sentence)
        self.code = code


class UserClient:
    """Plays people: each method that acts takes the name of the person."""

    def __init__(self, url: str, token: str) -> None:
        self._events_url = f"ws://{urlsplit(url).netloc}/user/events"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.AsyncClient(
            base_url=f"{url}/user", headers=self._headers, timeout=TIMEOUT_S, trust_env=False
        )

    @classmethod
    def of(cls, folder: Path) -> Self:
        """A client of the sandbox that runs in this folder; raises OSError if none does."""
        return cls(*read_address(folder))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def events(self) -> AsyncGenerator[Event, None]:
        """Everything that changes, forever; after each `hello` the state has to be read, since events may be lost."""
        async for connection in connect(
            self._events_url, additional_headers=self._headers, proxy=None, max_size=MOST_EVENT
        ):
            try:
                async for event in connection:
                    yield cast("Event", json.loads(event))
            except ConnectionClosed:
                continue

    async def state(self) -> StateView:
        """All chats."""
        return cast("StateView", await self._ask("GET", "/state"))

    async def add_chat(self, kind: ChatType, title: str, people: Sequence[str]) -> ChatView:
        """A new chat, or one that has this title with more people; a private chat is named by its person."""
        return cast("ChatView", await self._ask("POST", "/chats", type=kind, title=title, people=list(people)))

    async def add_topic(self, chat: int, name: str) -> TopicView:
        return cast("TopicView", await self._ask("POST", f"/chats/{chat}/topics", name=name))

    async def messages(
        self,
        chat: int,
        *,
        before: int | None = None,
        after: int | None = None,
        topic: int | None = None,
        limit: int | None = None,
    ) -> MessagesView:
        """The newest messages, those before a number, or the oldest after one; topic 0: outside of topics."""
        places = {"before": before, "after": after, "topic": topic, "limit": limit}
        query = {name: value for name, value in places.items() if value is not None}
        return cast("MessagesView", await self._get(f"/chats/{chat}/messages", query))

    async def say(
        self,
        chat: int,
        person: str,
        text: str,
        *,
        reply_to: int | None = None,
        quote: str | None = None,
        topic: int | None = None,
    ) -> MessageView:
        """Write a message; of a long text, split as apps do it, the last one is returned."""
        fields = {"as": person, "text": text, "reply_to": reply_to, "quote": quote, "topic": topic}
        return cast("MessageView", await self._ask("POST", f"/chats/{chat}/messages", **fields))

    async def send_files(
        self,
        chat: int,
        person: str,
        kind: FileKind,
        files: Sequence[tuple[str, bytes]],
        *,
        caption: str = "",
        reply_to: int | None = None,
        topic: int | None = None,
    ) -> list[MessageView]:
        """Send files, each with its name."""
        fields = {"as": person, "kind": kind, "caption": caption, "reply_to": reply_to, "topic": topic}
        data = {name: str(value) for name, value in fields.items() if value is not None}
        parts = [("files", (name or "file", content)) for name, content in files]
        response = await self._request("POST", f"/chats/{chat}/files", data=data, files=parts)
        return cast("MessagesView", response.json())["messages"]

    async def edit(self, chat: int, person: str, message: int, text: str) -> MessageView:
        fields = {"as": person, "text": text}
        return cast("MessageView", await self._ask("PATCH", f"/chats/{chat}/messages/{message}", **fields))

    async def delete(self, chat: int, person: str, message: int) -> None:
        """Delete one's own message, or any in a private chat."""
        await self._request("DELETE", f"/chats/{chat}/messages/{message}", params={"as": person})

    async def press(self, chat: int, person: str, message: int, button: int) -> Pressed:
        """Press a button, by its position among all of the message; the bot's answer comes as an event."""
        fields = {"as": person, "button": button}
        return cast("Pressed", await self._ask("POST", f"/chats/{chat}/messages/{message}/press", **fields))

    async def react(self, chat: int, person: str, message: int, emoji: str) -> None:
        """React with an emoji, or take the reaction away with ""."""
        await self._ask("POST", f"/chats/{chat}/messages/{message}/reaction", **{"as": person, "emoji": emoji})

    async def stop(self, chat: int, person: str) -> None:
        """Press Stop next to the draft."""
        await self._ask("POST", f"/chats/{chat}/stop", **{"as": person})

    async def set_membership(self, chat: int, person: str, status: BotStatus) -> ChatView:
        """Block the bot, or bring it into a group, or out of it."""
        fields = {"as": person, "status": status}
        return cast("ChatView", await self._ask("POST", f"/chats/{chat}/membership", **fields))

    async def commands(self, chat: int, person: str) -> list[CommandView]:
        """The menu of commands."""
        return cast("list[CommandView]", await self._get(f"/chats/{chat}/commands", {"as": person}))

    async def file(self, file_id: str) -> bytes:
        """The bytes of a file."""
        return (await self._request("GET", f"/files/{file_id}")).content

    async def _ask(self, method: str, path: str, **fields: object) -> object:
        given = {name: value for name, value in fields.items() if value is not None}
        return (await self._request(method, path, json=given if method != "GET" else None)).json()

    async def _get(self, path: str, query: dict[str, int] | dict[str, str]) -> object:
        return (await self._request("GET", path, params=query)).json()

    async def _request(self, method: str, path: str, **more: object) -> httpx.Response:
        try:
            response = await self._client.request(method, path, **more)  # type: ignore[arg-type]  # httpx's own arguments
        except httpx.HTTPError as exc:
            raise UserApiError(f"The sandbox does not answer: {exc or type(exc).__name__}") from exc
        if response.is_success:
            return response
        try:
            sentence = str(response.json()["error"])
        except ValueError:
            sentence = response.text.strip()
        raise UserApiError(sentence or f"HTTP {response.status_code}", response.status_code)
