"""Ephemeral messages (Bot API 10.3): what the bot shows to one member of a group only.

In the store they have negative numbers, since Telegram numbers them apart from all others.
"""

from typing import cast

from sandbox.botapi.arguments import Arguments
from sandbox.botapi.errors import bad_request
from sandbox.botapi.methods.editing import changed
from sandbox.botapi.methods.sending import rich_content, text_content
from sandbox.botapi.store import StoredMessage
from sandbox.botapi.world import World


async def edit_text(world: World, args: Arguments) -> bool:
    """Put another text, or a rich message, in place of the old one."""
    source = args.object("rich_message")
    if source is not None and "text" in args:
        raise bad_request("text and rich_message can't be specified simultaneously")
    found = _found(world, args)
    changed(world, args, found, text_content(args) if source is None else rich_content(source), source)
    return True


async def edit_reply_markup(world: World, args: Arguments) -> bool:
    """Put another keyboard in place of the old one, or none."""
    found = _found(world, args)
    kept = ("text", "entities", "rich_message")
    changed(world, args, found, {key: found.raw[key] for key in kept if key in found.raw}, found.rich)
    return True


async def delete(world: World, args: Arguments) -> bool:
    """Take it away."""
    _found(world, args)
    world.store.delete_message(args.integer("chat_id"), -args.integer("ephemeral_message_id"))
    world.changes.note()
    return True


def _found(world: World, args: Arguments) -> StoredMessage:
    chat_id = args.integer("chat_id")
    world.open_chat(chat_id)
    found = world.store.message(chat_id, -args.integer("ephemeral_message_id"))
    receiver = cast("dict[str, int]", found.raw["receiver_user"])["id"] if found else None
    if found is None or receiver != args.integer("receiver_user_id"):
        raise bad_request("message to edit not found")
    return found
