"""The method by which the bot learns where a file is."""

from typing import cast

from sandbox.botapi.arguments import Arguments
from sandbox.botapi.errors import bad_request
from sandbox.botapi.files import MOST_BYTES
from sandbox.botapi.wire import Json
from sandbox.botapi.world import World


async def get_file(world: World, args: Arguments) -> Json:
    """Where a file can be downloaded, for an hour."""
    found = world.files.file(args.string("file_id"))
    if found is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if cast("int", found["file_size"]) > MOST_BYTES:
        raise bad_request("file is too big")
    return found
