"""The methods about the bot itself, chats and their members."""

from sandbox.botapi.arguments import Arguments
from sandbox.botapi.errors import bad_request
from sandbox.botapi.wire import Json
from sandbox.botapi.world import World

MOST_TOPIC_NAME = 128


async def get_me(world: World, _: Arguments) -> Json:
    """The bot."""
    return world.bot


async def get_chat(world: World, args: Arguments) -> Json:
    """A chat, with the fields that every one has."""
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    return world.chat(args.integer("chat_id")) | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }


async def get_chat_member(world: World, args: Arguments) -> Json:
    """What a user is in a chat."""
    chat_id, user_id = args.integer("chat_id"), args.integer("user_id")
    world.chat(chat_id)
    user = world.bot_user if user_id == world.bot_id else world.store.user(user_id)
    if user is None:
        raise bad_request("user not found")
    return member(user, world.store.status(chat_id, user_id))


async def leave_chat(world: World, args: Arguments) -> bool:
    """Leave a group; in a private chat there is nothing to leave."""
    chat_id = args.integer("chat_id")
    if world.chat(chat_id)["type"] == "private":
        raise bad_request("chat member status can't be changed in private chats")
    world.store.set_status(chat_id, world.bot_id, "left")
    world.changes.note()
    return True


async def edit_forum_topic(world: World, args: Arguments) -> bool:
    """Give a topic another name. What it is called nobody asks this server; the call is there to be looked at."""
    world.open_chat(args.integer("chat_id"), args.integer("message_thread_id"))
    if not 0 < len(args.string("name").strip()) <= MOST_TOPIC_NAME:
        raise bad_request("TOPIC_TITLE_EMPTY")
    return True


def member(user: Json, status: str) -> Json:
    """A ChatMember."""
    extra: dict[str, Json] = {"creator": {"is_anonymous": False}, "kicked": {"until_date": 0}}
    return {"status": status, "user": user, **extra.get(status, {})}
