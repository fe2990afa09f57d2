"""The corpus on a stage: messages of every kind, in chats that are there, with files that can be downloaded."""

from collections.abc import Callable
from typing import Any, cast

from bot.media.sound import voice_note
from sandbox.botapi import Chat
from sandbox.botapi.stored_state import Files
from sandbox.botapi.wire import Json
from tests.corpus.people import ANN
from tests.e2e.conftest import Stage
from tests.media.files import pdf, picture, samples

FIRST_ID = 7_000_000
FIRST_GROUP_ID = -1_007_000_000_000
THREAD, DIRECT = "message_thread_id", "direct_messages_topic"


def chat_for(stage: Stage, number: int, raw: Json) -> Chat:
    """A chat of the kind that the message was sent to, which is not the chat of any other message."""
    kind, user = cast("Json", raw["chat"]), stage.telegram.user(f"Ann {number}", FIRST_ID + number)
    if kind["type"] == "private":
        return stage.telegram.private(user)
    return stage.telegram.group(f"Group {number}", [user], bool(kind.get("is_forum")), FIRST_GROUP_ID - number)


def send(stage: Stage, chat: Chat, raw: Json, message_id: int, **changes: object) -> Json:
    """Send a message of the corpus to a chat; returns it as it went out."""
    was = cast("Json", raw["chat"])["id"]
    sent = _mapped(raw, lambda found: found | {"id": chat.id} if found.get("id") == was and "type" in found else found)
    if THREAD in raw:
        sent[THREAD] = chat.topic("Wheels")
    files = stage.ann.files
    sent = _mapped(sent, lambda found: found | _kept(files, found) if "file_id" in found else found)
    sent |= {"message_id": message_id, **changes}
    stage.telegram.push_update({"message": sent})
    return cast("Json", sent)


def words(raw: Json, text: str) -> Json:
    """Words in the chat of another message, on which all can rely to be answered."""
    kept = {name: raw[name] for name in ("date", "chat", THREAD, DIRECT) if name in raw}
    return kept | {"from": ANN, "text": text}


def _kept(files: Files, found: Json) -> Json:
    """The name of a file that is there; its size stays what the corpus says."""
    if "width" in found or str(found.get("mime_type")).startswith("image/"):
        kept = files.add(picture(), "photos", "jpg")
    elif "duration" in found:
        kept = files.add(voice_note(samples(0.2)), "voice", "oga")
    else:
        kept = files.add(pdf("The code is 4711."), "documents", "pdf")
    return {"file_id": kept["file_id"]}


def _mapped(value: Any, change: Callable[[Json], Json]) -> Any:
    if isinstance(value, list):
        return [_mapped(one, change) for one in value]
    if isinstance(value, dict):
        return change({key: _mapped(one, change) for key, one in value.items()})
    return value
