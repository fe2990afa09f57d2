"""The methods that send: messages, drafts, files and chat actions."""

import base64
import mimetypes
from typing import cast

from sandbox.botapi import formatting, sent_media
from sandbox.botapi.parameters import Arguments
from sandbox.botapi.server_state import Draft, ServerState
from sandbox.botapi.updates import FRESH_S
from sandbox.botapi.wire import Json, bad_request
from sandbox.http import Upload

_ACTIONS = (
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document choose_sticker "
    "find_location record_video_note upload_video_note"
)
ACTIONS = frozenset(_ACTIONS.split())
_CONTEXT = (
    "message_id from chat date message_thread_id is_topic_message direct_messages_topic reply_to_message reply_markup "
    "edit_date sender_chat forward_origin media_group_id"
)
_NOT_COPIED = frozenset(_CONTEXT.split())
"""Fields of a message that a copy doesn't inherit."""
CAPTION_LIMIT = 1024
"""In UTF-16 units."""


async def send_message(state: ServerState, args: Arguments) -> Json:
    return send(state, args, text_content(args), None)


async def send_rich_message(state: ServerState, args: Arguments) -> Json:
    source = args.object("rich_message") or {}
    return send(state, args, rich_content(source), source)


async def copy_message(state: ServerState, args: Arguments) -> Json:
    """Send a copy of a message as the bot's own."""
    state.chat(args.integer("from_chat_id"))
    found = state.store.message(args.integer("from_chat_id"), args.integer("message_id"))
    if found is None:
        raise bad_request("message to copy not found")
    content = {name: value for name, value in found.raw.items() if name not in _NOT_COPIED}
    if not content:
        raise bad_request("message can't be copied")
    content = _recaptioned(args, content)
    return {"message_id": send(state, args, content, found.rich)["message_id"]}


def _recaptioned(args: Arguments, content: Json) -> Json:
    """The content with another caption, if given."""
    if "caption" not in args:
        return content
    shown = formatting.check_text(args.string("caption")) if args.string("caption") else ""
    kept = {name: value for name, value in content.items() if name not in ("caption", "caption_entities")}
    entities = formatting.entities(shown, args.objects("caption_entities"))
    return kept | ({"caption": shown} if shown else {}) | ({"caption_entities": entities} if entities else {})


async def send_message_draft(state: ServerState, args: Arguments) -> bool:
    """Show a text as a draft; an empty one shows "Thinking..."."""
    text = args.string("text")
    content = text_content(args) if text.strip() else {"text": text}
    draft = Draft(
        id=args.integer("draft_id"),
        text=str(content["text"]),
        thread=args.number_or_none("message_thread_id"),
        can_stop=args.flag("can_stop"),
        entities=cast("list[Json]", content.get("entities", [])),
    )
    return _draft(state, args, draft)


async def send_rich_message_draft(state: ServerState, args: Arguments) -> bool:
    source = args.object("rich_message") or {}
    draft = Draft(
        id=args.integer("draft_id"),
        text=formatting.rich_text(source, draft=True),
        html=str(source["html"]) if "html" in source else None,
        markdown=str(source["markdown"]) if "markdown" in source else None,
        thread=args.number_or_none("message_thread_id"),
        can_stop=args.flag("can_stop"),
    )
    return _draft(state, args, draft)


async def send_chat_action(state: ServerState, args: Arguments) -> bool:
    """Show a chat action for five seconds."""
    chat_id = args.integer("chat_id")
    chat = state.open_chat(chat_id, args.number_or_none("message_thread_id"))
    if chat.get("is_direct_messages"):
        raise bad_request("chat actions can't be sent to channel direct messages chats")
    if args.string("action") not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    state.previews.act(chat_id, args.string("action"))
    state.changes.note()
    return True


def text_content(args: Arguments) -> Json:
    """The checked text and entities of a message."""
    given = args.objects("entities")
    formatting.check_range(args.string("text"), given)
    shown = formatting.check_text(args.string("text"))
    entities = formatting.entities(shown, given)
    return {"text": shown, "entities": entities} if entities else {"text": shown}


def rich_content(source: Json) -> Json:
    """A checked rich message. For HTML the bot gets one paragraph instead of the blocks that Telegram makes."""
    text = formatting.rich_text(source)
    return {"rich_message": {"blocks": source.get("blocks") or [{"type": "paragraph", "text": text}]}}


def send(state: ServerState, args: Arguments, content: Json, source: Json | None) -> Json:
    """Post a call's content; `source` is what Telegram doesn't return."""
    chat_id, thread = args.integer("chat_id"), args.number_or_none("message_thread_id")
    chat = state.open_chat(chat_id, thread)
    direct = state.direct_topic(chat, args.number_or_none("direct_messages_topic_id"))
    receiver = _receiver(state, chat, args)
    reply_to = _reply_target(state, chat_id, args, receiver)
    markup = args.object("reply_markup")
    if markup and markup.get("inline_keyboard"):
        content = content | {"reply_markup": markup}
    if markup and markup.get("force_reply"):
        opened = _opened_for(markup, chat, content, reply_to)
        source = (source or {}) | {"asks": True, "opened_for": opened, "markup": markup}
    state.limits.check(chat_id)
    state.previews.end(chat_id)
    return state.post(
        *(chat, state.bot_user, content),
        thread=thread,
        reply_to=reply_to,
        rich=source,
        direct=direct,
        receiver=receiver,
    )


def _opened_for(markup: Json, chat: Json, content: Json, reply_to: Json | None) -> list[int] | None:
    """Whose reply a forced reply opens; None: everyone's. A selective one needs a mention or must be a reply."""
    if not markup.get("selective") or chat["type"] == "private":
        return None
    entities = cast("list[Json]", content.get("entities", []))
    opened = [cast("int", cast("Json", one["user"])["id"]) for one in entities if one["type"] == "text_mention"]
    if reply_to is not None and "from" in reply_to:
        opened.append(cast("int", cast("Json", reply_to["from"])["id"]))
    return opened


def _receiver(state: ServerState, chat: Json, args: Arguments) -> Json | None:
    """The receiver of an ephemeral message, or None. The bot needs a reason to show them one."""
    given = args.object("ephemeral_message_parameters")
    if given is None:
        return None
    chat_id, user_id = args.integer("chat_id"), cast("int", given["receiver_user_id"])
    if chat["type"] not in ("group", "supergroup") or chat.get("is_direct_messages"):
        raise bad_request("ephemeral messages can be sent only to groups and supergroups")
    user = state.store.user(user_id)
    if user is None or user["is_bot"] or state.store.status(chat_id, user_id) in ("left", "kicked"):
        raise bad_request("USER_NOT_PARTICIPANT")
    answered = (args.object("reply_parameters") or {}).get("ephemeral_message_id")
    query = given.get("callback_query_id")
    is_admin = state.store.status(chat_id, state.bot_id) in ("administrator", "creator")
    if not (is_admin or _is_fresh(state, chat_id, user_id, answered) or state.queries.is_fresh(query)):
        raise bad_request("MESSAGE_NOT_COMMAND")
    return user


def _is_fresh(state: ServerState, chat_id: int, user_id: int, number: object) -> bool:
    """Whether this is an ephemeral message that the user sent just now."""
    found = state.store.message(chat_id, -number) if isinstance(number, int) else None
    mine = found is not None and cast("Json", found.raw["from"])["id"] == user_id
    return mine and found is not None and state.clock() - cast("int", found.raw["date"]) <= FRESH_S


def _reply_target(state: ServerState, chat_id: int, args: Arguments, receiver: Json | None) -> Json | None:
    given = args.object("reply_parameters")
    if given is None:
        return None
    if given.get("chat_id", chat_id) != chat_id:
        raise bad_request("the sandbox does not support replies to another chat")
    number = given.get("message_id")
    if receiver is not None and "ephemeral_message_id" in given:
        number, given = -cast("int", given["ephemeral_message_id"]), {}
    if not isinstance(number, int):
        raise bad_request("message identifier is not specified")
    found = state.store.message(chat_id, number)
    if found is None and not given.get("allow_sending_without_reply"):
        raise bad_request("message to be replied not found")
    return found.raw if found else None


def _draft(state: ServerState, args: Arguments, draft: Draft) -> bool:
    if draft.id == 0:
        raise bad_request("draft identifier must be non-zero")
    chat = state.open_chat(args.integer("chat_id"), draft.thread)
    if chat["type"] != "private":
        raise bad_request("message drafts can be sent only to private chats")
    state.previews.show(args.integer("chat_id"), draft)
    state.changes.note()
    return True


async def send_photo(state: ServerState, args: Arguments) -> Json:
    photo = _file(args, "photo")
    size = state.files.add(photo.data, "photos", "jpg") | {"width": 1, "height": 1}
    return send(state, args, {"photo": [size]} | caption_content(args), _shown_file("photo", photo))


async def send_voice(state: ServerState, args: Arguments) -> Json:
    """Send a voice message. Telegram would make music or a document of anything but Ogg, which no bot wants."""
    voice = _file(args, "voice")
    if not voice.data.startswith(b"OggS"):
        raise bad_request("the sandbox takes a voice note as Ogg with Opus only")
    content = sent_media.voice(state.files, voice.data, args.integer("duration"))
    return send(state, args, content | caption_content(args), _shown_file("voice", voice))


async def send_document(state: ServerState, args: Arguments) -> Json:
    document = _file(args, "document")
    mime = mimetypes.guess_type(document.name)[0] or "application/octet-stream"
    content = sent_media.document(state.files, document.data, document.name, mime)
    return send(state, args, content | caption_content(args), _shown_file("document", document))


def _file(args: Arguments, name: str) -> Upload:
    found = args.values[name]
    assert isinstance(found, Upload)
    return found


def caption_content(args: Arguments) -> Json:
    """The caption, if there is one. Raises ApiError if it is too long."""
    caption = args.string("caption").strip()
    if len(caption.encode("utf-16-le")) // 2 > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    return {"caption": caption} if caption else {}


def _shown_file(kind: str, file: Upload) -> Json:
    """The file for tests and the terminal."""
    return {kind: base64.b64encode(file.data).decode(), "name": file.name}
