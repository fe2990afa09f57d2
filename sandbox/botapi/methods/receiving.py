"""The methods to receive updates and files, and to answer buttons."""

import re
from collections.abc import Sequence
from typing import cast

import httpx

from sandbox.botapi.parameters import Arguments
from sandbox.botapi.server_state import ServerState
from sandbox.botapi.stored_state import MOST_BYTES
from sandbox.botapi.wire import Json, bad_request

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_ALERT = 200


async def get_updates(state: ServerState, args: Arguments) -> Sequence[Json]:
    """Wait for updates; the offset confirms those below it."""
    limit, timeout = args.integer("limit", 100), args.integer("timeout")
    if not 1 <= limit <= 100 or timeout < 0:
        raise bad_request("limit must be 1-100 and timeout not negative")
    state.updates.check_pollable()
    if "allowed_updates" in args:
        state.settings.change(allowed=tuple(args.strings("allowed_updates")))
    if offset := args.integer("offset"):
        state.updates.confirm(offset)
    return await state.updates.poll(limit, timeout)


async def set_webhook(state: ServerState, args: Arguments) -> bool:
    """Set the webhook's URL; an empty one removes it."""
    url, secret = args.string("url"), args.string("secret_token")
    if url:
        _check_url(url)
    if "secret_token" in args and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise bad_request("secret token contains unallowed characters")
    if "allowed_updates" in args:
        state.settings.change(allowed=tuple(args.strings("allowed_updates")))
    if args.flag("drop_pending_updates"):
        state.updates.drop()
    state.settings.change(url=url, secret=secret, max_connections=args.integer("max_connections", 40))
    state.webhook.last_error = None
    state.changes.note()
    return True


async def delete_webhook(state: ServerState, args: Arguments) -> bool:
    if args.flag("drop_pending_updates"):
        state.updates.drop()
    state.settings.change(url="", secret="")
    state.changes.note()
    return True


async def get_webhook_info(state: ServerState, _: Arguments) -> Json:
    settings = state.settings.current
    info: Json = {
        "url": settings.url,
        "has_custom_certificate": False,
        "pending_update_count": state.updates.count(),
    }
    if settings.url:
        info["max_connections"] = settings.max_connections
        if state.webhook.last_error:
            info["last_error_date"], info["last_error_message"] = state.webhook.last_error
    if settings.allowed:
        info["allowed_updates"] = list(settings.allowed)
    return info


async def answer_callback_query(state: ServerState, args: Arguments) -> bool:
    """Answer a button press, once and in time."""
    if len(args.string("text")) > MAX_ALERT:
        raise bad_request("MESSAGE_TOO_LONG")
    number = args.string("callback_query_id")
    if not number.isdecimal() or not state.queries.answer(int(number)):
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    press = state.queries.press(int(number))
    if press is not None:
        answer = {"query": number, "text": args.string("text"), "alert": args.flag("show_alert")}
        state.events.tell("pressed", press.chat_id, press.message_id, user=press.user_id, button=press.button, **answer)
    return True


def _check_url(given: str) -> None:
    """Parse the URL as the delivery will, which couldn't report an error."""
    try:
        url = httpx.URL(given)
    except httpx.InvalidURL as exc:
        raise bad_request("invalid webhook URL specified") from exc
    if url.scheme != "https" and not (url.scheme == "http" and url.host in LOOPBACK):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if not url.host or "%" in url.host:
        raise bad_request("invalid webhook URL specified")


async def get_file(state: ServerState, args: Arguments) -> Json:
    """Where a file can be downloaded."""
    found = state.files.file(args.string("file_id"))
    if found is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if cast("int", found["file_size"]) > MOST_BYTES:
        raise bad_request("file is too big")
    return found
