"""The WebSocket of events: everything that changes in chats, in order, from the connection on.

Each reader has a queue of its own. One that reads too slowly is disconnected, so that its queue doesn't grow; it then
connects again and reads the state.
"""

import asyncio
import json
from collections import deque
from contextlib import suppress
from typing import cast

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.botapi.chat_events import ChatEvent
from sandbox.botapi.server_state import ServerState
from sandbox.tasks import until_first
from sandbox.user_api.shapes import Event
from sandbox.user_api.views import Views

MOST_WAITING = 8 * 1024 * 1024
"""The most that waits for a reader, in characters."""
TOO_SLOW = 1013
"""The WebSocket code for "try again later"."""
CLOSE_S = 1.0
"""How long a slow reader has to take note of why it is disconnected."""


class _Queue:
    """What waits for one reader."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._size = 0
        self._changed = asyncio.Event()
        self.is_full = asyncio.Event()

    def put(self, text: str) -> None:
        """Add an event, unless there are too many already."""
        if self._size + len(text) > MOST_WAITING:
            self.is_full.set()
        else:
            self._waiting.append(text)
            self._size += len(text)
            self._changed.set()

    async def get(self) -> str:
        """The next event."""
        while not self._waiting:
            self._changed.clear()
            await self._changed.wait()
        text = self._waiting.popleft()
        self._size -= len(text)
        return text


class EventStream:
    """Puts each change into JSON once, for all readers."""

    def __init__(self, state: ServerState, views: Views) -> None:
        self._state = state
        self._views = views
        self._queues: list[_Queue] = []
        self._number = 0

    async def serve(self, socket: WebSocket) -> None:
        """Send events until the reader is gone, or too slow."""
        await socket.accept()
        queue = _Queue()
        queue.put(json.dumps({"n": self._number, "type": "hello"}))
        self._join(queue)
        try:
            await until_first(_send(socket, queue), _gone(socket), queue.is_full.wait())
        finally:
            self._leave(queue)
        if queue.is_full.is_set():
            with suppress(TimeoutError, RuntimeError):  # it doesn't even read that, or is gone
                async with asyncio.timeout(CLOSE_S):
                    await socket.close(TOO_SLOW, "The events were read too slowly: connect again, and read the state.")

    def _join(self, queue: _Queue) -> None:
        if not self._queues:
            self._state.events.listen(self._spread)
        self._queues.append(queue)

    def _leave(self, queue: _Queue) -> None:
        self._queues.remove(queue)
        if not self._queues:
            self._state.events.ignore(self._spread)

    def _spread(self, change: ChatEvent) -> None:
        self._number += 1
        text = json.dumps(self._event(change))
        for queue in self._queues:
            queue.put(text)

    def _event(self, change: ChatEvent) -> Event:
        n, chat, message, views, details = self._number, change.chat_id, change.message_id, self._views, change.details
        match change.kind:
            case "message":
                return {"n": n, "type": "message", "chat": chat, "message": views.message(chat, message)}
            case "deleted":
                return {"n": n, "type": "deleted", "chat": chat, "message": message}
            case "draft":
                return {"n": n, "type": "draft", "chat": chat, "draft": views.draft(chat)}
            case "action":
                action, (_, expires) = self._state.previews.action(chat), self._state.previews.ends(chat)
                return {"n": n, "type": "action", "chat": chat, "action": action, "expires": expires}
            case "chat":
                return {"n": n, "type": "chat", "chat": chat, "details": views.chat(chat)}
            case "reaction":
                reactions = list(views.reactions(chat, message, message).get(message, []))
                return {"n": n, "type": "reaction", "chat": chat, "message": message, "reactions": reactions}
            case "commands":
                return {"n": n, "type": "commands", "chat": None}
            case "pressed":
                return {
                    "n": n,
                    "type": "pressed",
                    "chat": chat,
                    "message": message,
                    "button": cast("int", details["button"]),
                    "query": str(details["query"]),
                    "as": views.name(cast("int", details["user"])),
                    "text": str(details["text"]),
                    "alert": bool(details["alert"]),
                    "url": None,
                }


async def _send(socket: WebSocket, queue: _Queue) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            await socket.send_text(await queue.get())


async def _gone(socket: WebSocket) -> None:
    """Wait until the reader disconnects; what it says is ignored."""
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()
