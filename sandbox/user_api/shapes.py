"""The JSON of the user-side API, as the server makes it and the client returns it.

Times are Unix seconds, offsets and lengths of entities UTF-16 units. A chat's topics, people and messages are named by
what the people's apps show, so a person is a name.
"""

from typing import Literal, NotRequired, TypedDict

ChatType = Literal["private", "group", "forum"]
FileKind = Literal["photo", "album", "voice", "document"]
BotStatus = Literal["member", "administrator", "left", "blocked"]

RepliedTo = TypedDict("RepliedTo", {"id": int, "from": str, "text": str})


class Sender(TypedDict):
    """A person, or the bot."""

    name: str
    bot: bool


class EntityView(TypedDict):
    """A formatted or meaningful part of a text."""

    type: str
    offset: int
    length: int
    url: NotRequired[str]
    language: NotRequired[str]


class VoiceView(TypedDict):
    """A voice message; its duration in seconds."""

    file: str
    duration: int


class DocumentView(TypedDict):
    """A file; its size in bytes."""

    file: str
    name: str
    mime: str
    size: int


class ButtonView(TypedDict):
    """A button with one of: `data` for the bot, a `url` to open, a text to `copy`."""

    text: str
    data: NotRequired[str]
    url: NotRequired[str]
    copy: NotRequired[str]
    style: NotRequired[str]


class ReactionView(TypedDict):
    """An emoji, and who has reacted with it."""

    emoji: str
    people: list[str]


MessageView = TypedDict(
    "MessageView",
    {
        "id": int,  # negative: ephemeral, and numbered separately
        "chat": int,
        "topic": int | None,
        "date": int,
        "edited": int | None,  # when
        "edits": int,
        "deleted": bool,
        "from": Sender,
        "text": str,  # also of a rich message, or the caption of a file
        "entities": list[EntityView],
        "html": str | None,  # the source of a rich message
        "markdown": str | None,
        "photo": str | None,
        "voice": VoiceView | None,
        "document": DocumentView | None,
        "album": str | None,
        "reply_to": RepliedTo | None,
        "quote": str | None,
        "buttons": list[list[ButtonView]],
        "asks": str | None,  # the placeholder of a reply prompt, which may be empty
        "opened_for": list[str] | None,  # whom it prompts; None: everyone
        "reactions": list[ReactionView],
        "ephemeral_for": str | None,
        "service": str | None,  # a sentence, where it is no one's words
    },
)


class TopicView(TypedDict):
    """A topic of a forum, or of a private chat."""

    id: int
    name: str


class ChatView(TypedDict):
    """A chat, with its last message."""

    id: int
    type: ChatType
    title: str
    people: list[str]
    topics: list[TopicView]
    last: MessageView | None
    bot_is: BotStatus


class DraftView(TypedDict):
    """A growing answer, shown until it expires."""

    id: int
    topic: int | None
    text: str
    entities: list[EntityView]
    html: str | None
    markdown: str | None
    can_stop: bool
    expires: float


class BotView(TypedDict):
    """The bot's names."""

    name: str
    username: str


class StateView(TypedDict):
    """All that a chat list shows."""

    bot: BotView
    chats: list[ChatView]


class MessagesView(TypedDict):
    """Some messages, oldest first, and what the bot is about to say."""

    messages: list[MessageView]
    draft: DraftView | None
    action: str | None


class Pressed(TypedDict):
    """A press: the number of the query that the bot will answer, or what the app itself does."""

    query: str | None
    url: str | None
    copy: str | None


class CommandView(TypedDict):
    """A command of the menu."""

    command: str
    description: str


class Hello(TypedDict):
    """The first event of a connection: the state has to be read, since events may have been lost."""

    n: int
    type: Literal["hello"]


class MessageEvent(TypedDict):
    """A message is new, or has changed."""

    n: int
    type: Literal["message"]
    chat: int
    message: MessageView


class DeletedEvent(TypedDict):
    """A message was deleted."""

    n: int
    type: Literal["deleted"]
    chat: int
    message: int


class DraftEvent(TypedDict):
    """The draft has grown, or is gone."""

    n: int
    type: Literal["draft"]
    chat: int
    draft: DraftView | None


class ActionEvent(TypedDict):
    """The bot is typing, or has stopped."""

    n: int
    type: Literal["action"]
    chat: int
    action: str | None
    expires: float


PressedEvent = TypedDict(
    "PressedEvent",
    {
        "n": int,
        "type": Literal["pressed"],
        "chat": int,
        "message": int,
        "button": int,
        "query": str,
        "as": str,
        "text": str,
        "alert": bool,
        "url": str | None,
    },
)


class ReactionEvent(TypedDict):
    """The reactions to a message have changed."""

    n: int
    type: Literal["reaction"]
    chat: int
    message: int
    reactions: list[ReactionView]


class ChatChangedEvent(TypedDict):
    """A chat is new, or its people, its topics or the bot's membership have changed."""

    n: int
    type: Literal["chat"]
    chat: int
    details: ChatView


class CommandsEvent(TypedDict):
    """The menus of commands have changed."""

    n: int
    type: Literal["commands"]
    chat: None


Event = (
    Hello
    | MessageEvent
    | DeletedEvent
    | DraftEvent
    | ActionEvent
    | PressedEvent
    | ReactionEvent
    | ChatChangedEvent
    | CommandsEvent
)
