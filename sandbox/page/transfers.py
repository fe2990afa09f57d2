"""Files that pass through the page: what people send, and what is shown of it."""

from typing import Final
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sandbox.user_api.client import UserApiError, UserClient
from sandbox.user_api.shapes import FileKind
from sandbox.user_api.user_api_server import MOST_FILES

SHOWN: Final = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"OggS": "audio/ogg"}
"""What the page shows, by its first bytes; all else can only be saved, whatever it says it is."""
KINDS: Final[dict[str, FileKind]] = {"photo": "photo", "album": "album", "voice": "voice", "document": "document"}
TOO_MUCH: Final = f"At most {MOST_FILES // 1024 // 1024} MB can be sent at once."
INCOMPLETE: Final = "It was not said who sends what to which chat."


class Transfers:
    """What people send from the page, and what it shows of it."""

    def __init__(self, client: UserClient) -> None:
        self._client = client

    async def download(self, request: Request) -> Response:
        """A file: pictures and voice as they are; with a name, or of another kind, to be saved."""
        try:
            data = await self._client.file(request.path_params["file_id"])
        except UserApiError as exc:
            return PlainTextResponse(str(exc), 404)
        name = request.query_params.get("name", "")
        kind = None if name else next((kind for start, kind in SHOWN.items() if data.startswith(start)), None)
        saved = f"attachment; filename*=utf-8''{quote(name or 'file', safe='')}"
        headers = {
            "content-disposition": "inline" if kind else saved,
            "content-security-policy": "sandbox; default-src 'none'",
            "cache-control": "private, max-age=31536000, immutable",  # a file's id is a hash of its content
        }
        return Response(data, media_type=kind or "application/octet-stream", headers=headers)

    async def upload(self, request: Request) -> Response:
        """Pictures, a voice message or a document; the answer is empty, or a sentence on what is wrong."""
        async with request.form() as form:
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            sent = [one for one in form.getlist("files") if isinstance(one, UploadFile)]
            if sum(one.size or 0 for one in sent) > MOST_FILES:  # before they are in memory
                return PlainTextResponse(TOO_MUCH, 400)
            files = [(one.filename or "file", await one.read()) for one in sent]
        try:
            await self._client.send_files(
                int(fields["chat"]),
                fields["as"],
                KINDS[fields["kind"]],
                files,
                caption=fields.get("caption", ""),
                reply_to=_number(fields.get("reply_to")),
                topic=_number(fields.get("topic")),
            )
        except (UserApiError, ValueError) as exc:
            return PlainTextResponse(str(exc), 400)
        except LookupError:
            return PlainTextResponse(INCOMPLETE, 400)
        return PlainTextResponse("")


def _number(text: str | None) -> int | None:
    return int(text) if text else None
