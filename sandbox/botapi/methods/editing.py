"""The methods that change or delete messages, including ephemeral ones (Bot API 10.3).

Ephemeral messages have negative numbers in the store, because Telegram numbers them separately.
"""

from typing import cast

from sandbox.botapi.methods.sending import caption_content, rich_content, text_content
from sandbox.botapi.parameters import Arguments
from sandbox.botapi.server_state import ServerState
from sandbox.botapi.stored_state import StoredMessage
from sandbox.botapi.wire import ApiError, Json, bad_request

CONTENT = ("text", "entities", "caption", "caption_entities", "rich_message", "reply_markup")
"""The fields of a message that an edit replaces."""
FILES = {"photo", "voice", "document"}
MAX_DELETED = 100


async def edit_message_text(state: ServerState, args: Arguments) -> Json:
    """Replace the text or rich message; a keyboard that isn't given again is removed."""
    source = args.object("rich_message")
    if source is not None and "text" in args:
        raise bad_request("text and rich_message can't be specified simultaneously")
    found = _editable(state, args)
    if FILES & found.raw.keys():
        raise bad_request("there is no text in the message to edit")
    content = text_content(args) if source is None else rich_content(source)
    return change_content(state, args, found, content, source)


async def edit_message_caption(state: ServerState, args: Arguments) -> Json:
    """Replace the caption of a file; a keyboard that isn't given again is removed."""
    found = _editable(state, args)
    if not FILES & found.raw.keys():
        raise bad_request("there is no caption in the message to edit")
    return change_content(state, args, found, caption_content(args), None)


async def edit_message_reply_markup(state: ServerState, args: Arguments) -> Json:
    """Replace or remove the keyboard."""
    found = _editable(state, args)
    content = {key: found.raw[key] for key in CONTENT if key in found.raw and key != "reply_markup"}
    return change_content(state, args, found, content, found.rich)


async def delete_message(state: ServerState, args: Arguments) -> bool:
    chat_id = args.integer("chat_id")
    chat = state.chat(chat_id)
    found = state.store.message(chat_id, max(0, args.integer("message_id")))
    if found is None:
        raise bad_request("message to delete not found")
    if not _deletable(state, chat, found):
        raise bad_request("message can't be deleted")
    _delete(state, chat_id, found)
    return True


async def delete_messages(state: ServerState, args: Arguments) -> bool:
    """Delete several messages; missing ones are ignored."""
    chat_id, numbers = args.integer("chat_id"), args.integers("message_ids")
    chat = state.chat(chat_id)
    if not 1 <= len(numbers) <= MAX_DELETED:
        raise bad_request("too many messages to delete" if numbers else "message identifiers are not specified")
    found = [message for number in numbers if number > 0 and (message := state.store.message(chat_id, number))]
    if not all(_deletable(state, chat, message) for message in found):
        raise bad_request("message can't be deleted")
    for message in found:
        _delete(state, chat_id, message)
    return True


def _editable(state: ServerState, args: Arguments) -> StoredMessage:
    chat_id = args.integer("chat_id")
    state.open_chat(chat_id)
    found = state.store.message(chat_id, max(0, args.integer("message_id")))
    if found is None:
        raise bad_request("message to edit not found")
    if cast("Json", found.raw["from"])["id"] != state.bot_id or (found.rich or {}).get("asks"):
        raise bad_request("message can't be edited")  # nor can a message whose markup isn't an inline keyboard
    return found


def change_content(
    state: ServerState, args: Arguments, found: StoredMessage, content: Json, source: Json | None
) -> Json:
    """The message with this content and the given keyboard; refused if nothing changes."""
    markup = args.object("reply_markup")
    if markup and markup["inline_keyboard"]:
        content = content | {"reply_markup": markup}
    old = {key: found.raw[key] for key in CONTENT if key in found.raw}
    if (content, source) == (old, found.rich):
        raise _not_modified()
    chat_id = args.integer("chat_id")
    state.limits.check(chat_id, edit=True)
    rest = {key: item for key, item in found.raw.items() if key not in CONTENT}
    raw = rest | {"edit_date": int(state.clock())} | content
    state.change_message(chat_id, raw, source)
    return raw


def _not_modified() -> ApiError:
    return bad_request(
        "message is not modified: specified new message content and reply markup are exactly the same as a current "
        "content and reply markup of the message"
    )


def _deletable(state: ServerState, chat: Json, message: StoredMessage) -> bool:
    own = cast("Json", message.raw["from"])["id"] == state.bot_id
    return own or chat["type"] == "private"


def _delete(state: ServerState, chat_id: int, message: StoredMessage) -> None:
    state.delete_message(chat_id, cast("int", message.raw["message_id"]))


async def edit_text(state: ServerState, args: Arguments) -> bool:
    """Replace an ephemeral message's text or rich message."""
    source = args.object("rich_message")
    if source is not None and "text" in args:
        raise bad_request("text and rich_message can't be specified simultaneously")
    found = _found(state, args)
    change_content(state, args, found, text_content(args) if source is None else rich_content(source), source)
    return True


async def edit_reply_markup(state: ServerState, args: Arguments) -> bool:
    """Replace or remove an ephemeral message's keyboard."""
    found = _found(state, args)
    content_fields = ("text", "entities", "rich_message")
    change_content(state, args, found, {key: found.raw[key] for key in content_fields if key in found.raw}, found.rich)
    return True


async def delete(state: ServerState, args: Arguments) -> bool:
    """Delete an ephemeral message."""
    _found(state, args)
    state.delete_message(args.integer("chat_id"), -args.integer("ephemeral_message_id"))
    return True


def _found(state: ServerState, args: Arguments) -> StoredMessage:
    chat_id = args.integer("chat_id")
    state.open_chat(chat_id)
    found = state.store.message(chat_id, -args.integer("ephemeral_message_id"))
    receiver = cast("dict[str, int]", found.raw["receiver_user"])["id"] if found else None
    if found is None or receiver != args.integer("receiver_user_id"):
        raise bad_request("message to edit not found")
    return found
