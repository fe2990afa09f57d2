"""The server's rows as people's apps show them."""

import json
from collections.abc import Mapping, Sequence
from typing import cast

from sandbox.botapi import message
from sandbox.botapi.directory import Page
from sandbox.botapi.server_state import Draft, ServerState
from sandbox.botapi.stored_state import StoredMessage
from sandbox.botapi.wire import Json
from sandbox.user_api.shapes import (
    BotStatus,
    ButtonView,
    ChatType,
    ChatView,
    CommandView,
    DocumentView,
    DraftView,
    EntityView,
    MessagesView,
    MessageView,
    ReactionView,
    RepliedTo,
    Sender,
    StateView,
    VoiceView,
)

QUOTED = 300
"""How much of a message is shown above a reply to it, in characters."""
MOST_EPHEMERAL = 50
ENTITY_FIELDS = ("type", "offset", "length", "url", "language")
BOT_STATUSES: Mapping[str, BotStatus] = {"member": "member", "administrator": "administrator", "blocked": "blocked"}


class Views:
    """Reads from the state of the server."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    def state(self) -> StateView:
        """All chats. Each is some index look-ups."""
        bot = self._state.bot
        return {
            "bot": {"name": str(bot["first_name"]), "username": str(bot["username"])},
            "chats": [self.chat(number) for number in self._state.directory.chats()],
        }

    def chat(self, chat_id: int) -> ChatView:
        """A chat; raises LookupError."""
        found = self._state.store.chat(chat_id)
        if found is None:
            raise LookupError(f"there is no chat {chat_id}")
        last = self._state.directory.page(chat_id, Page(limit=1))
        return {
            "id": chat_id,
            "type": chat_type(found),
            "title": str(found.get("title") or found.get("first_name")),
            "people": self._people(chat_id),
            "topics": [{"id": number, "name": name} for number, name in self._state.directory.topics(chat_id)],
            "last": self.messages(chat_id, last)[0] if last else None,
            "bot_is": BOT_STATUSES.get(self._state.bot_status(chat_id), "left"),
        }

    def page(self, chat_id: int, page: Page) -> MessagesView:
        """Some messages; the newest ones come with the newest ephemeral ones."""
        found = self._state.directory.page(chat_id, page)
        if page.before is None and page.after is None:
            since = cast("int", found[0].raw["date"]) if found else 0
            ephemeral = self._state.directory.ephemeral(chat_id, MOST_EPHEMERAL)
            shown = [one for one in ephemeral if cast("int", one.raw["date"]) >= since]
            found = sorted([*found, *shown], key=lambda one: cast("int", one.raw["date"]))  # sorting is stable
        return {
            "messages": self.messages(chat_id, found),
            "draft": self.draft(chat_id),
            "action": self._state.previews.action(chat_id),
        }

    def message(self, chat_id: int, message_id: int) -> MessageView:
        """A message, deleted or not; raises LookupError."""
        found = self._state.store.message(chat_id, message_id, deleted=True)
        if found is None:
            raise LookupError(f"there is no message {message_id}")
        return self.messages(chat_id, [found])[0]

    def messages(self, chat_id: int, found: Sequence[StoredMessage]) -> list[MessageView]:
        numbers = [message.number(one.raw) for one in found]
        reactions = self.reactions(chat_id, min(numbers), max(numbers)) if numbers else {}
        return [self._message(one, reactions.get(number, [])) for one, number in zip(found, numbers, strict=True)]

    def reactions(self, chat_id: int, first: int, last: int) -> Mapping[int, list[ReactionView]]:
        """The reactions to the messages of a range."""
        people: dict[int, dict[str, list[str]]] = {}
        for number, user, emoji in self._state.directory.reactions(chat_id, first, last):
            people.setdefault(number, {}).setdefault(emoji, []).append(self.name(user))
        return {
            number: [{"emoji": emoji, "people": names} for emoji, names in given.items()]
            for number, given in people.items()
        }

    def draft(self, chat_id: int) -> DraftView | None:
        """The draft of a chat, if the bot shows one."""
        draft = self._state.previews.draft(chat_id)
        return _draft(draft, self._state.previews.ends(chat_id)[0]) if draft else None

    def commands(self, chat_id: int, user_id: int) -> list[CommandView]:
        """The menu of a person in a chat."""
        found = self.menu(chat_id, user_id)
        return [{"command": str(one["command"]), "description": str(one["description"])} for one in found]

    def menu(self, chat_id: int, user_id: int) -> Sequence[Json]:
        """The commands as the bot set them: of the narrowest scope that has any, first in the person's language."""
        language = str((self._state.store.user(user_id) or {}).get("language_code", ""))
        for scope in self._scopes(chat_id, user_id):
            for code in dict.fromkeys((language, "")):
                if found := self._state.settings.commands(scope, code):
                    return found
        return []

    def name(self, user_id: int) -> str:
        """A person's name, or the bot's."""
        user = self._state.bot if user_id == self._state.bot_id else self._state.store.user(user_id)
        return str(user["first_name"]) if user else str(user_id)

    def _people(self, chat_id: int) -> list[str]:
        if chat_id > 0:
            return [self.name(chat_id)]
        creator = self._state.store.creator(chat_id)
        others = [one for one in self._state.directory.members(chat_id) if one not in (creator, self._state.bot_id)]
        return [self.name(creator)] * bool(creator) + sorted(map(self.name, others))

    def _scopes(self, chat_id: int, user_id: int) -> list[str]:
        chat: Json = {"chat_id": chat_id}
        if chat_id > 0:
            scopes: list[Json] = [{"type": "chat"} | chat, {"type": "all_private_chats"}]
        else:
            admin = self._state.store.status(chat_id, user_id) in ("creator", "administrator")
            of_chat: list[Json] = [{"type": "chat_administrators"} | chat, {"type": "chat"} | chat]
            of_all: list[Json] = [{"type": "all_chat_administrators"}, {"type": "all_group_chats"}]
            scopes = [{"type": "chat_member", "user_id": user_id} | chat, *of_chat[not admin :], *of_all[not admin :]]
        return [json.dumps(scope, sort_keys=True) for scope in [*scopes, {"type": "default"}]]

    def _message(self, stored: StoredMessage, reactions: list[ReactionView]) -> MessageView:
        raw, source = stored.raw, stored.rich or {}
        markup = cast("Json", source.get("markup", {}))
        opened = cast("list[int] | None", source.get("opened_for"))
        receiver = cast("Json | None", raw.get("receiver_user"))
        return {
            "id": message.number(raw),
            "chat": cast("int", cast("Json", raw["chat"])["id"]),
            "topic": cast("int | None", raw.get("message_thread_id")),
            "date": cast("int", raw["date"]),
            "edited": cast("int | None", raw.get("edit_date")),
            "edits": stored.edits,
            "deleted": stored.deleted,
            "from": _sender(raw),
            "text": message.words(raw),
            "entities": _entities(cast("list[Json]", raw.get("entities") or raw.get("caption_entities") or [])),
            "html": cast("str | None", source.get("html")),
            "markdown": cast("str | None", source.get("markdown")),
            "photo": str(cast("list[Json]", raw["photo"])[-1]["file_id"]) if "photo" in raw else None,
            "voice": _voice(raw),
            "document": _document(raw),
            "album": cast("str | None", raw.get("media_group_id")),
            "reply_to": _replied_to(raw),
            "quote": cast("str | None", cast("Json", raw.get("quote", {})).get("text")),
            "buttons": _buttons(raw),
            "asks": str(markup.get("input_field_placeholder", "")) if source.get("asks") else None,
            "opened_for": None if opened is None else [self.name(number) for number in opened],
            "reactions": reactions,
            "ephemeral_for": str(receiver["first_name"]) if receiver else None,
            "service": _service(raw),
        }


def chat_type(chat: Json) -> ChatType:
    """What kind of chat it is."""
    if chat["type"] == "private":
        return "private"
    return "forum" if chat.get("is_forum") else "group"


def _draft(draft: Draft, expires: float) -> DraftView:
    return {
        "id": draft.id,
        "topic": draft.thread,
        "text": draft.text,
        "entities": _entities(draft.entities),
        "html": draft.html,
        "markdown": draft.markdown,
        "can_stop": draft.can_stop,
        "expires": expires,
    }


def _sender(raw: Json) -> Sender:
    sender = cast("Json", raw["from"])
    return {"name": str(sender["first_name"]), "bot": bool(sender["is_bot"])}


def _entities(found: Sequence[Json]) -> list[EntityView]:
    return [cast("EntityView", {key: one[key] for key in ENTITY_FIELDS if key in one}) for one in found]


def _voice(raw: Json) -> VoiceView | None:
    found = cast("Json | None", raw.get("voice"))
    return {"file": str(found["file_id"]), "duration": cast("int", found["duration"])} if found else None


def _document(raw: Json) -> DocumentView | None:
    found = cast("Json | None", raw.get("document"))
    if found is None:
        return None
    return {
        "file": str(found["file_id"]),
        "name": str(found.get("file_name", "file")),
        "mime": str(found.get("mime_type", "application/octet-stream")),
        "size": cast("int", found["file_size"]),
    }


def _replied_to(raw: Json) -> RepliedTo | None:
    """What a message replies to; in a topic, all others reply to the message that opened it, which no app shows."""
    found = cast("Json | None", raw.get("reply_to_message"))
    if found is None or "forum_topic_created" in found:
        return None
    return {"id": message.number(found), "from": _sender(found)["name"], "text": message.words(found)[:QUOTED]}


def _buttons(raw: Json) -> list[list[ButtonView]]:
    markup = cast("Json", raw.get("reply_markup", {}))
    rows = cast("list[list[Json]]", markup.get("inline_keyboard", []))
    return [[_button(one) for one in row] for row in rows]


def _button(raw: Json) -> ButtonView:
    button: ButtonView = {"text": str(raw["text"])}
    if "callback_data" in raw:
        button["data"] = str(raw["callback_data"])
    if "url" in raw:
        button["url"] = str(raw["url"])
    if "copy_text" in raw:
        button["copy"] = str(cast("Json", raw["copy_text"])["text"])
    if "style" in raw:
        button["style"] = str(raw["style"])
    return button


def _service(raw: Json) -> str | None:
    name = _sender(raw)["name"]
    for kind, did in (("forum_topic_created", "opened the topic"), ("forum_topic_edited", "renamed the topic to")):
        if kind in raw:
            return f"{name} {did} {cast('Json', raw[kind]).get('name', '')}"
    return None
