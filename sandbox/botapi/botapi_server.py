"""A Bot API server together with the users who write to the bot.

It is strict about requests, records every call, and fails on demand.
"""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from sandbox.botapi import parameters as arguments
from sandbox.botapi import wire
from sandbox.botapi.chat_events import ChatEvents
from sandbox.botapi.directory import Directory
from sandbox.botapi.faults import Faults
from sandbox.botapi.method_table import BY_LOWER_NAME
from sandbox.botapi.people import Chat, User
from sandbox.botapi.server_state import FloodLimits, Previews, ServerState
from sandbox.botapi.stored_state import Database, Files, SettingsStore, Store
from sandbox.botapi.updates import Changes, Queries, Updates, Webhook
from sandbox.botapi.wire import ApiError, Call
from sandbox.http import serve

FIRST_USER_ID = 100_000_000
FIRST_GROUP_ID = 1_001_000_000_000


class BotApi:
    """The server of one bot; with the same file at `path` it continues where the last server ended."""

    def __init__(
        self,
        token: str = "123456:TEST",  # noqa: S107 - it opens nothing
        username: str = "keepsake_sandbox_bot",
        first_name: str = "Keepsake",
        path: str = ":memory:",
        version: str = "10.1",
        clock: Callable[[], float] = time.time,
        user_token: str = "",
    ) -> None:
        """With a `user_token`, people can act through ``/user`` (``sandbox.user_api``)."""
        if version not in arguments.VERSIONS:
            raise ValueError(f"the version is one of {', '.join(arguments.VERSIONS)}")
        self.token = token
        self.version = version
        self.calls: list[Call] = []
        self.faults = Faults()
        self._state = _new_state(_bot(token, username, first_name), Database(path), clock)
        self._app = Starlette(
            routes=[
                Route("/bot{token}/{method}", self._handle, methods=["GET", "POST"]),
                Route("/file/bot{token}/{path:path}", self._download, methods=["GET"]),
            ]
        )
        self._for_people = bool(user_token)
        if user_token:
            from sandbox.user_api import user_api_server  # for tests it would take time, and need more packages

            self._app.routes.append(Mount("/user", user_api_server.guarded(self, self._state, user_token)))

    @asynccontextmanager
    async def run(self, port: int = 0) -> AsyncIterator[str]:
        """Serve, and deliver to the webhook; yields the URL without ``/bot``. May be run again afterwards."""
        self._state.updates.open()
        async with serve(self._app, port=port, websockets=self._for_people) as url:
            delivering = asyncio.create_task(self._state.webhook.deliver(), name="webhook delivery")
            try:
                yield url
            finally:
                self._state.updates.close()
                self.faults.clear()
                delivering.cancel()
                with suppress(asyncio.CancelledError):
                    await delivering

    @property
    def flood_limits(self) -> bool:
        """Whether Telegram's flood limits are enforced."""
        return self._state.limits.enabled

    @flood_limits.setter
    def flood_limits(self, enabled: bool) -> None:
        self._state.limits.enabled = enabled

    @property
    def private_topics(self) -> bool:
        """Whether topics in private chats are enabled at @BotFather."""
        return bool(self._state.bot["has_topics_enabled"])

    @private_topics.setter
    def private_topics(self, enabled: bool) -> None:
        self._state.bot["has_topics_enabled"] = enabled

    @property
    def privacy_mode(self) -> bool:
        """Whether privacy mode is on at @BotFather: in groups the bot gets only messages meant for it."""
        return not self._state.bot["can_read_all_group_messages"]

    @privacy_mode.setter
    def privacy_mode(self, enabled: bool) -> None:
        self._state.bot["can_read_all_group_messages"] = not enabled

    def user(self, name: str, user_id: int | None = None, username: str | None = None) -> User:
        """A user; the same name always has the same id, and a username once given is kept."""
        number = user_id or FIRST_USER_ID + zlib.crc32(name.encode()) % 900_000_000
        user: wire.Json = {"id": number, "is_bot": False, "first_name": name, "language_code": "en"}
        known = self._state.store.user(number) or {}
        self._state.store.put_user(known | user | ({"username": username} if username else {}))
        return User(number, name, self._state)

    def private(self, user: User) -> Chat:
        """The user's chat with the bot."""
        known = self._state.store.user(user.id) or {}
        names: wire.Json = {key: known[key] for key in ("first_name", "username") if key in known}
        is_new = self._state.store.chat(user.id) is None
        self._state.store.put_chat({"id": user.id, "type": "private", **names})
        if is_new:
            self._state.events.tell("chat", user.id)
        return Chat(user.id, user.name, self._state)

    def group(
        self,
        title: str,
        members: Sequence[User],
        forum: bool = False,
        chat_id: int | None = None,
        bot_status: str = "member",
    ) -> Chat:
        """A supergroup with the bot, created by its first member. The same title always has the same id."""
        number = chat_id or group_id(title)
        chat: wire.Json = {"id": number, "title": title, "type": "supergroup"}
        self._state.store.put_chat(chat | ({"is_forum": True} if forum else {}))
        self._state.store.set_status(number, self._state.bot_id, bot_status)
        for index, user in enumerate(members):
            self._state.store.set_status(number, user.id, "member" if index else "creator")
        self._state.events.tell("chat", number)
        return Chat(number, title, self._state)

    def find_group(self, title: str) -> Chat | None:
        """The group of this title, if there is one."""
        with suppress(LookupError):
            return self.chat(group_id(title))
        return None

    def promote(self, chat: Chat) -> None:
        """Make the bot an administrator of a group."""
        self._state.set_status(chat.id, self._state.bot_id, "administrator")

    def demote(self, chat: Chat, user: User) -> None:
        """Make a user an ordinary member of a group."""
        self._state.set_status(chat.id, user.id, "member")

    def leave(self, chat: Chat, user: User) -> None:
        """Let a user leave a group."""
        self._state.set_status(chat.id, user.id, "left")

    def direct_messages(self, channel: str) -> Chat:
        """The direct messages of a channel, where each user has a topic."""
        chat = self.group(channel, [])
        known = self._state.chat(chat.id)
        self._state.store.put_chat(known | {"is_direct_messages": True})
        return chat

    def chat(self, chat_id: int) -> Chat:
        """An existing chat; raises LookupError."""
        found = self._state.store.chat(chat_id)
        if found is None:
            raise LookupError(f"there is no chat {chat_id}")
        return Chat(chat_id, str(found.get("title") or found.get("first_name")), self._state)

    def push_update(self, update: Mapping[str, object]) -> None:
        """Queue any update, given without its update_id: ``{"message": {...}}``."""
        for kind, payload in update.items():
            self._state.updates.push(kind, payload)

    def force_update(self, update: Mapping[str, object]) -> None:
        """Queue an update of a type that the bot doesn't ask for, as if it had been pending before."""
        for kind, payload in update.items():
            self._state.updates.push(kind, payload, wanted=True)

    @property
    def pending_updates(self) -> int:
        """The number of unconfirmed updates."""
        return self._state.updates.count()

    @property
    def polls(self) -> int:
        """The number of getUpdates calls that have arrived."""
        return self._state.updates.polls

    async def changed(self, happened: Callable[[], bool], timeout: float | None = 5.0) -> None:
        """Wait until a condition is true, checking at every change. Raises TimeoutError."""
        await self._state.changes.wait(happened, timeout)

    async def wait_call(
        self, method: str, predicate: Callable[[Call], bool] | None = None, timeout: float = 5.0
    ) -> Call:
        """Wait for a call of the method that satisfies the predicate (earlier calls count); returns the first."""
        found: list[Call] = []
        seen = 0

        def happened() -> bool:
            nonlocal seen
            new, seen = self.calls[seen:], len(self.calls)
            found.extend(call for call in new if call.method == method and (predicate is None or predicate(call)))
            return bool(found)

        await self._state.changes.wait(happened, timeout)
        return found[0]

    async def _handle(self, request: Request) -> Response:
        name = request.path_params["method"]
        params: Mapping[str, object] = {}
        try:
            params = await wire.parameters(request)
            if request.path_params["token"] != self.token:
                raise ApiError(401, "Unauthorized")
            name, method = BY_LOWER_NAME.get(name.lower(), (name, None))
            if method is None or not arguments.knows(self.version, method.since):
                raise arguments.method_not_found()
            args = arguments.check(method, params, self.version)
            params = args.values
            return await self._perform(name, method, args)
        except ApiError as exc:
            self._note(name, params, exc.code, exc.description)
            return wire.refusal(exc)
        except ClientDisconnect:  # the bot ended while it was sending: nobody reads an answer
            return Response(status_code=400)

    async def _download(self, request: Request) -> Response:
        content = self._state.files.content(request.path_params["path"])
        if request.path_params["token"] != self.token or content is None:
            return wire.refusal(ApiError(404, "Not Found"))
        return Response(content, media_type="application/octet-stream")

    async def _perform(self, name: str, method: arguments.Method, args: arguments.Arguments) -> Response:
        fault = self.faults.take(name, args.values)
        if delay := self.faults.latency + (fault.delay if fault else 0.0):
            await asyncio.sleep(delay)
        await self.faults.wait_while_held(name, "before")
        if fault and fault.drop == "before":
            return self._drop(name, args.values)
        if fault and fault.error:
            raise fault.error
        result = await method.act(self._state, args)
        await self.faults.wait_while_held(name, "after")
        if fault and fault.drop == "after":
            return self._drop(name, args.values)
        self._note(name, args.values, 200)
        return wire.result(result)

    def _drop(self, name: str, params: Mapping[str, object]) -> Response:
        self._note(name, params, 0, "connection dropped")
        return wire.Dropped()

    def _note(self, name: str, params: Mapping[str, object], code: int, description: str = "") -> None:
        self.calls.append(Call(name, params, code, self._state.clock(), description))
        self._state.changes.note()


def group_id(title: str) -> int:
    """The id of the group with this title."""
    return -FIRST_GROUP_ID - zlib.crc32(title.encode()) % 900_000_000


def _bot(token: str, username: str, first_name: str) -> wire.Json:
    abilities = {"can_join_groups": True, "can_read_all_group_messages": True, "supports_inline_queries": False}
    more = dict.fromkeys(("can_connect_to_business", "has_main_web_app", "has_topics_enabled"), False)
    number = int(token.partition(":")[0])
    return {"id": number, "is_bot": True, "first_name": first_name, "username": username, **abilities, **more}


def _new_state(bot: wire.Json, database: Database, clock: Callable[[], float]) -> ServerState:
    changes = Changes()
    settings = SettingsStore(database)
    updates = Updates(database, settings, changes)
    events = ChatEvents()
    return ServerState(
        bot=bot,
        store=Store(database),
        files=Files(database),
        queries=Queries(database, clock),
        settings=settings,
        updates=updates,
        webhook=Webhook(updates, settings, changes),
        previews=Previews(clock, events),
        limits=FloodLimits(clock),
        changes=changes,
        events=events,
        directory=Directory(database),
        clock=clock,
    )
