"""Files from the bot, saved where they can be opened."""

import asyncio
import re
from pathlib import Path, PurePath

from sandbox.user_api.client import UserApiError, UserClient
from sandbox.user_api.shapes import MessageView

PNG = b"\x89PNG"
UNSAFE = re.compile(r"[^\w.()+ -]|^[.]+")
LONGEST_NAME = 100


class ReceivedFiles:
    """Saves the files of messages in a folder."""

    def __init__(self, client: UserClient, folder: Path) -> None:
        self._client = client
        self._folder = folder

    async def description(self, message: MessageView) -> str:
        """What kind of file a message has and where it was saved, in brackets; "" if it has none."""
        if (photo := message["photo"]) is not None:
            kind, file, name = "a picture", photo, ""
        elif (voice := message["voice"]) is not None:
            kind, file, name = "a voice message", voice["file"], "voice.ogg"
        elif (document := message["document"]) is not None:
            kind, file, name = f"the file {document['name']}", document["file"], document["name"]
        else:
            return ""
        try:
            content = await self._client.file(file)
            name = name or ("picture.png" if content.startswith(PNG) else "picture.jpg")
            path = await asyncio.to_thread(self._save, f"{message['chat']}-{message['id']}-{safe_name(name)}", content)
        except (OSError, UserApiError) as exc:
            return f"[{kind}, which can't be saved: {exc}] "
        return f"[{kind}: {path}] "

    def _save(self, name: str, content: bytes) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / name
        path.write_bytes(content)
        return path


def safe_name(name: str) -> str:
    """The name of a file without folders and without signs that mean something to a shell; its ending is kept."""
    path = PurePath(UNSAFE.sub("_", PurePath(name).name))
    return path.stem[:LONGEST_NAME] + path.suffix[:LONGEST_NAME]
