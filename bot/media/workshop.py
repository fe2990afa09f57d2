"""Conversions in processes of their own, so that a bomb costs neither the bot's time nor its memory.

A worker is started when there is something to do, kept for the next job, and killed when a job takes too long; it gets
nothing of the bot's environment but where programs are.
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass

from bot.media import errors
from bot.media.document import Document
from bot.media.errors import MediaError, UnreadableError
from bot.media.image import Image
from bot.media.sound import Sound

WORKERS = 2
SOUND_TIMES = 4
"""A sound may take so many times longer than the rest: twenty minutes of it are about ten seconds of work."""
KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV")
"""Variables that a worker gets; the bot's own hold its secrets."""

Options = dict[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class Result:
    """What a worker made: its fields, and bytes."""

    fields: dict[str, object]
    data: bytes

    def integer(self, name: str) -> int:
        """A field that is a whole number."""
        value = self.fields[name]
        assert isinstance(value, int)
        return value


class Workshop:
    """Some workers; `seconds`: the longest time that one job may take."""

    def __init__(self, seconds: float = 20.0) -> None:
        self._seconds = seconds
        self._idle: list[asyncio.subprocess.Process] = []
        self._busy: set[asyncio.subprocess.Process] = set()
        self._room = asyncio.Semaphore(WORKERS)

    async def image(self, data: bytes) -> Image:
        """See ``image.image``. Raises MediaError."""
        made = await self._do("image", data, {})
        return Image(made.data, str(made.fields["mime"]), made.integer("width"), made.integer("height"))

    async def sound(self, data: bytes, *, most_seconds: float) -> Sound:
        """See ``sound.sound``. Raises MediaError."""
        made = await self._do("sound", data, {"most_seconds": most_seconds})
        return Sound(made.data, str(made.fields["format"]), float(str(made.fields["seconds"])))

    async def voice_note(self, samples: bytes, *, rate: int = 24_000) -> bytes:
        """See ``sound.voice_note``. Raises MediaError."""
        return (await self._do("voice_note", samples, {"rate": rate})).data

    async def document(self, data: bytes, name: str, mime: str | None, *, most_characters: int) -> Document:
        """See ``document.document``. Raises MediaError."""
        options: Options = {"name": name, "mime": mime, "most_characters": most_characters}
        made = await self._do("document", data, options)
        pages = None if made.fields["pages"] is None else made.integer("pages")
        return Document(made.data.decode(), pages, bool(made.fields["cut"]))

    async def close(self) -> None:
        """End the workers."""
        for worker in (*self._idle, *self._busy):
            if worker.returncode is None:
                worker.kill()
            await worker.wait()
        self._idle.clear()

    async def _do(self, job: str, data: bytes, options: Options) -> Result:
        seconds = self._seconds * (SOUND_TIMES if job == "sound" else 1)
        async with self._room:
            worker = self._idle.pop() if self._idle else await _start()
            self._busy.add(worker)
            try:
                async with asyncio.timeout(seconds):
                    made = await _ask(worker, job, data, options)
            except TimeoutError as exc:
                raise UnreadableError(f"{job} took more than {seconds:.0f} s") from exc
            except (OSError, EOFError, ValueError) as exc:
                raise UnreadableError(f"{job} ended its worker: {type(exc).__name__}") from exc
            else:
                self._idle.append(worker)
            finally:
                self._busy.discard(worker)
                if worker not in self._idle:
                    await _end(worker)
        if (name := made.fields.get("error")) is not None:
            kind = getattr(errors, str(name), UnreadableError)
            raise kind(str(made.fields["reason"])) if issubclass(kind, MediaError) else UnreadableError(str(name))
        return made


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.media.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # what codecs mutter about strangers' files
        env={name: os.environ[name] for name in KEPT if name in os.environ},
    )


async def _ask(worker: asyncio.subprocess.Process, job: str, data: bytes, options: Options) -> Result:
    assert worker.stdin is not None, "started with pipes"
    assert worker.stdout is not None, "started with pipes"
    worker.stdin.write(json.dumps({"job": job, "size": len(data), **options}).encode() + b"\n" + data)
    await worker.stdin.drain()
    fields = json.loads(await worker.stdout.readline() or "null")
    if not isinstance(fields, dict):
        raise EOFError("no result")
    return Result(fields, await worker.stdout.readexactly(int(fields.pop("size"))))


async def _end(worker: asyncio.subprocess.Process) -> None:
    if worker.returncode is None:
        worker.kill()
    await worker.wait()
