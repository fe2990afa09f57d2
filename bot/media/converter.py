"""The interface to conversions: files are checked by signature, then converted by a worker within a time limit."""

from collections.abc import Hashable

from bot.media.document import ExtractedDocument
from bot.media.image import ConvertedImage
from bot.media.media_errors import NotSupportedError
from bot.media.pool import Job, Pool
from bot.media.signatures import is_binary, is_old_office, is_pdf, picture_format, sound_format
from bot.media.sound import ConvertedSound
from bot.workers.process import Result

IMAGE_S, PAGE_S, DOCUMENT_S, VOICE_NOTE_S = 15.0, 10.0, 20.0, 20.0
"""Time limits; a picture takes half a second, a PDF of five hundred pages ten."""
SOUND_S, SOUND_S_PER_MB, MOST_SOUND_S = 15.0, 10.0, 60.0
"""Sounds take time by length: twenty minutes of speech are 3 MB and about ten seconds of work."""


class Converter:
    """Converts for `owner`, whose jobs run one at a time, and whose apps use `language` (IETF)."""

    def __init__(self, pool: Pool | None = None, owner: Hashable = None, language: str | None = None) -> None:
        self._pool = pool or Pool()
        self._owner = owner
        self._language = language

    def serving(self, owner: Hashable, language: str | None) -> "Converter":
        """The same workers on behalf of someone else."""
        return Converter(self._pool, owner, language)

    async def image(self, data: bytes) -> ConvertedImage:
        """See ``image.convert_image``. Raises MediaError."""
        if picture_format(data) is None:
            raise NotSupportedError("no picture of a known kind")
        return _image(await self._pool.do(Job("image", data, {}, IMAGE_S), self._owner))

    async def page(self, data: bytes, number: int) -> ConvertedImage:
        """See ``pdf.page_picture``. Raises MediaError."""
        return _image(await self._pool.do(Job("page", data, {"number": number}, PAGE_S), self._owner))

    async def sound(self, data: bytes, *, most_seconds: float) -> ConvertedSound:
        """See ``sound.convert_sound``. Raises MediaError."""
        if sound_format(data) is None:
            raise NotSupportedError("no sound of a known kind")
        seconds = min(SOUND_S + SOUND_S_PER_MB * len(data) / 1e6, MOST_SOUND_S)
        made = await self._pool.do(Job("sound", data, {"most_seconds": most_seconds}, seconds), self._owner)
        whole = made.fields["whole"]
        return ConvertedSound(
            made.data,
            str(made.fields["format"]),
            float(str(made.fields["seconds"])),
            None if whole is None else float(str(whole)),
            bool(made.fields["ended"]),
        )

    async def voice_note(self, samples: bytes, *, rate: int = 24_000) -> bytes:
        """See ``sound.voice_note``. Raises MediaError."""
        owner = object()  # its own owner: a chat has one answer at a time, which must not wait for the chat's files
        return (await self._pool.do(Job("voice_note", samples, {"rate": rate}, VOICE_NOTE_S), owner)).data

    async def document(self, data: bytes, name: str, mime: str | None, *, most_characters: int) -> ExtractedDocument:
        """See ``document.read_document``. Raises MediaError."""
        if is_binary(data) and not is_pdf(data) and not is_old_office(data):
            raise NotSupportedError("no document of a known kind")
        options: dict[str, str | int | float | None] = {
            "name": name,
            "mime": mime,
            "most_characters": most_characters,
            "language": self._language,
        }
        made = await self._pool.do(Job("document", data, options, DOCUMENT_S), self._owner)
        fields = made.fields
        return ExtractedDocument(
            made.data.decode(),
            None if fields["pages"] is None else made.integer("pages"),
            bool(fields["cut"]),
            float(str(fields["share"])),
            str(fields.get("damaged", "")),
            None if fields["encoding"] is None else str(fields["encoding"]),
            _numbers(fields["wordless"]),
            _numbers(fields["poor"]),
        )

    async def close(self) -> None:
        await self._pool.close()


def _image(made: Result) -> ConvertedImage:
    fields, sides = made.fields, (made.integer("width"), made.integer("height"))
    return ConvertedImage(made.data, str(fields["mime"]), *sides, bool(fields["damaged"]), made.integer("pages"))


def _numbers(value: object) -> tuple[int, ...]:
    assert isinstance(value, list)
    return tuple(value)
