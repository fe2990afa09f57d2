"""The worker process for conversions: ``python -m bot.media.worker``, with jobs on stdin and results on stdout."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from bot.media.document import read_document
from bot.media.image import convert_image
from bot.media.media_errors import MediaError, SwollenError, UnreadableError
from bot.media.pdf import page_picture
from bot.media.sound import convert_sound, voice_note
from bot.workers.serving import Fields, peak_memory, serve

MOST_CPU_S = 120
"""CPU time of a job on all processors; the bot never waits that long."""


MOST_DATA = 380 * 1024 * 1024
"""The most memory that a job may take, in bytes; with libraries, 400 MB. A file that needs more can't be read."""

MOST_OF_DAMAGED = 300 * 1024
"""Some libraries report damage when memory runs out: a file that took more kilobytes than this is too large instead."""


def main() -> None:
    """Run jobs until stdin closes."""
    serve(_done, cpu_s=MOST_CPU_S, most_data=MOST_DATA)


def _done(name: str, data: bytes, options: dict[str, Any]) -> tuple[Fields, bytes]:
    try:
        return JOBS[name](data, **options)
    except MediaError as exc:
        kind, reason = type(exc), str(exc)
    except Exception as exc:  # noqa: BLE001 - a stranger's file found a hole in a library: it can't be read
        kind, reason = UnreadableError, f"{type(exc).__name__}: {exc}"
    if kind is UnreadableError and peak_memory() > MOST_OF_DAMAGED:
        kind = SwollenError
    return {"error": kind.__name__, "reason": reason[:500]}, b""


def _image(data: bytes) -> tuple[Fields, bytes]:
    made = asdict(convert_image(data))
    return made, made.pop("data")


def _page(data: bytes, **options: int) -> tuple[Fields, bytes]:
    made = asdict(page_picture(data, **options))
    return made, made.pop("data")


def _sound(data: bytes, **options: float) -> tuple[Fields, bytes]:
    made = asdict(convert_sound(data, **options))
    return made, made.pop("data")


def _voice_note(data: bytes, **options: int) -> tuple[Fields, bytes]:
    return {}, voice_note(data, **options)


def _document(data: bytes, *, name: str, mime: str | None, **options: Any) -> tuple[Fields, bytes]:
    made = read_document(data, name, mime, **options)
    fields = asdict(made)
    return fields, fields.pop("text").encode()


JOBS: Mapping[str, Callable[..., tuple[Fields, bytes]]] = {
    "image": _image,
    "page": _page,
    "sound": _sound,
    "voice_note": _voice_note,
    "document": _document,
}


if __name__ == "__main__":
    main()
