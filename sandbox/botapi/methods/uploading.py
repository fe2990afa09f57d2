"""The methods that send files: pictures, voice notes and documents."""

import base64
import mimetypes

from sandbox.botapi import media
from sandbox.botapi.arguments import Arguments
from sandbox.botapi.errors import bad_request
from sandbox.botapi.methods.sending import send
from sandbox.botapi.wire import Json
from sandbox.botapi.world import World
from sandbox.forms import Upload

CAPTION_LIMIT = 1024
"""UTF-16 units."""


async def send_photo(world: World, args: Arguments) -> Json:
    """Send a picture, with a caption or without."""
    photo = _file(args, "photo")
    size = world.files.keep(photo.data, "photos", "jpg") | {"width": 1, "height": 1}
    return send(world, args, {"photo": [size]} | _caption(args), _kept("photo", photo))


async def send_voice(world: World, args: Arguments) -> Json:
    """Send a voice note; Telegram makes a piece of music or a document of what is no Ogg, which the bot never wants."""
    voice = _file(args, "voice")
    if not voice.data.startswith(b"OggS"):
        raise bad_request("the sandbox takes a voice note as Ogg with Opus only")
    content = media.voice(world.files, voice.data, args.integer("duration"))
    return send(world, args, content | _caption(args), _kept("voice", voice))


async def send_document(world: World, args: Arguments) -> Json:
    """Send a file of any kind, with its name."""
    document = _file(args, "document")
    mime = mimetypes.guess_type(document.name)[0] or "application/octet-stream"
    content = media.document(world.files, document.data, document.name, mime)
    return send(world, args, content | _caption(args), _kept("document", document))


def _file(args: Arguments, name: str) -> Upload:
    found = args.values[name]
    assert isinstance(found, Upload)
    return found


def _caption(args: Arguments) -> Json:
    caption = args.string("caption").strip()
    if len(caption.encode("utf-16-le")) // 2 > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    return {"caption": caption} if caption else {}


def _kept(kind: str, file: Upload) -> Json:
    """What a test and the terminal see of the file."""
    return {kind: base64.b64encode(file.data).decode(), "name": file.name}
