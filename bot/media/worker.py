"""The process that the conversions run in: ``python -m bot.media.worker``, jobs in and results out by its pipes.

A job is a line of JSON and as many bytes as it says; so is a result. It ends when its input does, so that it never
outlives the bot. JSON, and nothing that can name code, because what runs here has read a stranger's file.
"""

import json
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, BinaryIO

from bot.media.document import document
from bot.media.errors import MediaError, UnreadableError
from bot.media.image import image
from bot.media.sound import sound, voice_note

MOST_MEMORY = 2 * 1024**3
"""Bytes of address space: libraries take half of it before anything is done."""

Fields = dict[str, str | int | float | bool | None]


def main() -> None:
    """Do jobs until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the bot, which ends this process in its time
    _limit_memory()
    jobs, results = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing but results goes there
    while line := jobs.readline():
        job = json.loads(line)
        data = jobs.read(job.pop("size"))
        _answer(results, *_done(job.pop("job"), data, job))


def _done(name: str, data: bytes, options: Mapping[str, object]) -> tuple[Fields, bytes]:
    try:
        return JOBS[name](data, **options)
    except MediaError as exc:
        return {"error": type(exc).__name__, "reason": str(exc)[:500]}, b""
    except Exception as exc:  # noqa: BLE001 - a stranger's file found a hole in a library: it can't be read
        return {"error": UnreadableError.__name__, "reason": f"{type(exc).__name__}: {exc}"[:500]}, b""


def _answer(results: BinaryIO, fields: Fields, data: bytes) -> None:
    results.write(json.dumps(fields | {"size": len(data)}).encode() + b"\n" + data)
    results.flush()


def _image(data: bytes) -> tuple[Fields, bytes]:
    made = asdict(image(data))
    return made, made.pop("data")


def _sound(data: bytes, **options: float) -> tuple[Fields, bytes]:
    made = asdict(sound(data, **options))
    return made, made.pop("data")


def _voice_note(data: bytes, **options: int) -> tuple[Fields, bytes]:
    return {}, voice_note(data, **options)


def _document(data: bytes, *, name: str, mime: str | None, **options: Any) -> tuple[Fields, bytes]:
    made = document(data, name, mime, **options)
    fields = asdict(made)
    return fields, fields.pop("text").encode()


JOBS: Mapping[str, Callable[..., tuple[Fields, bytes]]] = {
    "image": _image,
    "sound": _sound,
    "voice_note": _voice_note,
    "document": _document,
}


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows, where the limit of time has to do
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


if __name__ == "__main__":
    main()
