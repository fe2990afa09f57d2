"""Any JSON that Telegram may send is parsed or refused, and whatever is parsed can be read."""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st
from telegram import Update

from bot.conversation.incoming_message import render
from bot.inbound.reading import said
from bot.updates.parsing import QueuedUpdate, parse
from storage.inbox import RawUpdate
from tests.corpus import CORPUS
from tests.fuzz.mutations import VALUES, Json, changed_json, fuzzed
from tests.updates.samples import NamedBot

KINDS = st.sampled_from(["message", "edited_message", "channel_post", "my_chat_member", "callback_query", "unknown"])
MESSAGES = st.sampled_from(list(CORPUS.values()))


@fuzzed(80)
@given(changed_json(MESSAGES, typed=True))
def test_changed_message_is_read_or_refused(message: Json) -> None:
    queued = _parsed(json.dumps({"update_id": 1, "message": message}))
    if queued is None or not isinstance(queued.update, Update) or queued.update.message is None:
        return
    if (words := said(queued.update.message, bot_id=1)) is not None:
        render(words)


@fuzzed(80)
@given(changed_json(MESSAGES) | VALUES, KINDS)
def test_any_json_is_parsed_or_refused(value: Json, kind: str) -> None:
    _parsed(json.dumps(value))
    _parsed(json.dumps({"update_id": 1, kind: value}))


@fuzzed(20)
@given(st.text() | st.binary().map(repr))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    _parsed(text)


def _parsed(text: str) -> QueuedUpdate | None:
    with contextlib.suppress(ValueError):
        return parse(RawUpdate(1, text), NamedBot())
    return None
