"""Conversions run beside the bot, and nothing that happens to them happens to it."""

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.media import converter as jobs
from bot.media import pool as module
from bot.media import worker as media_worker
from bot.media.converter import Converter
from bot.media.image import convert_image
from bot.media.media_errors import NotSupportedError, SwollenError, TooLargeError, TooSlowError, UnreadableError
from bot.media.pool import Pool
from bot.media.worker import MOST_DATA
from bot.workers.process import Result
from tests.media.files import pdf, picture, png_bomb, samples, wav


@pytest.fixture
async def converter() -> AsyncIterator[Converter]:
    opened = Converter()
    yield opened
    await opened.close()


async def test_it_does_what_the_functions_do(converter: Converter) -> None:
    large = picture(3000, 1000)
    assert await converter.image(large) == convert_image(large)
    heard = await converter.sound(wav(1.0), most_seconds=5)
    assert (heard.format, round(heard.seconds, 1)) == ("mp3", 1.0)
    assert (await converter.voice_note(samples(1.0))).startswith(b"OggS")
    read = await converter.document(pdf("hello"), "a.pdf", None, most_characters=100)
    assert (read.text, read.pages, read.cut) == ("hello", 1, False)


async def test_worker_raises_same_errors_as_functions(converter: Converter) -> None:
    with pytest.raises(TooLargeError):
        await converter.image(png_bomb())
    with pytest.raises(NotSupportedError):
        await converter.document(bytes(range(256)) * 9, "a.bin", None, most_characters=100)
    assert (await converter.image(picture())).width == 64


async def test_a_job_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch, converter: Converter) -> None:
    started = module._start

    async def stopped() -> asyncio.subprocess.Process:
        worker = await started()
        os.kill(worker.pid, 19)  # SIGSTOP: it takes the job and does nothing
        return worker

    monkeypatch.setattr(module, "_start", stopped)
    monkeypatch.setattr(jobs, "IMAGE_S", 0.3)
    with pytest.raises(TooSlowError):
        await converter.image(picture())
    monkeypatch.undo()
    assert (await converter.image(picture())).width == 64


async def test_a_worker_that_died_idle_costs_no_job(converter: Converter) -> None:
    await converter.image(picture())
    worker = converter._pool._idle[0]
    worker.kill()
    assert (await converter.image(picture())).width == 64
    await worker.wait()
    assert worker not in converter._pool._idle


async def test_job_killing_its_worker_fails_alone(monkeypatch: pytest.MonkeyPatch, converter: Converter) -> None:
    asked = module._ask

    async def deadly(worker: asyncio.subprocess.Process, job: module.Job) -> Result:
        if job.name == "document":
            worker.kill()
        return await asked(worker, job)

    monkeypatch.setattr(module, "_ask", deadly)
    ann, bob = converter.serving("ann", None), converter.serving("bob", None)
    failed, *made = await asyncio.gather(
        ann.document(b"bad", "a.txt", None, most_characters=9),
        *(bob.image(picture()) for _ in range(3)),
        return_exceptions=True,
    )
    assert isinstance(failed, SwollenError)
    assert [getattr(one, "width", one) for one in made] == [64] * 3


async def test_worker_that_cannot_start_is_reported(monkeypatch: pytest.MonkeyPatch, converter: Converter) -> None:
    async def full() -> asyncio.subprocess.Process:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(module, "_start", full)
    with pytest.raises(UnreadableError):
        await converter.image(picture())


async def test_what_is_no_such_file_takes_no_place(monkeypatch: pytest.MonkeyPatch, converter: Converter) -> None:
    async def none() -> asyncio.subprocess.Process:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(module, "_start", none)
    with pytest.raises(NotSupportedError):
        await converter.sound(b"v=0\nm=audio 9 RTP/AVP 0\n", most_seconds=9)
    with pytest.raises(NotSupportedError):
        await converter.image(b"<html>not found</html>")
    with pytest.raises(NotSupportedError):
        await converter.document(b"\x7fELF\2\1\1" + b"\0" * 99, "a.txt", "text/plain", most_characters=9)


async def test_a_photo_waits_for_none_of_anothers_documents(
    monkeypatch: pytest.MonkeyPatch, converter: Converter
) -> None:
    ended: list[str] = []

    async def done(job: module.Job) -> Result:
        await asyncio.sleep(0.02)
        ended.append(job.name)
        image: dict[str, object] = {"mime": "", "width": 1, "height": 1, "damaged": False, "pages": 1}
        document: dict[str, object] = {
            "pages": None,
            "cut": False,
            "share": 1,
            "wordless": [],
            "poor": [],
            "encoding": None,
        }
        return Result(image if job.name == "image" else document, b"x")

    monkeypatch.setattr(converter._pool, "_done", done)
    ann, bob = converter.serving("ann", None), converter.serving("bob", None)
    documents = [asyncio.create_task(ann.document(b"x", "a", None, most_characters=9)) for _ in range(9)]
    await asyncio.sleep(0)
    await bob.image(picture())
    assert ended.count("document") <= 2
    await asyncio.gather(*documents)


async def test_worker_has_no_secrets_and_ends_with_pipe(monkeypatch: pytest.MonkeyPatch, converter: Converter) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    await converter.image(picture())
    [worker] = converter._pool._idle
    environment = await asyncio.to_thread(Path(f"/proc/{worker.pid}/environ").read_bytes)
    assert b"sk-secret" not in environment
    assert worker.stdin is not None
    worker.stdin.close()
    async with asyncio.timeout(5):
        assert await worker.wait() == 0


async def test_many_files_share_a_few_workers(converter: Converter) -> None:
    made = await asyncio.gather(*(converter.serving(at % 4, None).image(picture(width=64 + at)) for at in range(10)))
    assert [one.width for one in made] == [64 + at for at in range(10)]
    assert len(converter._pool._idle) <= module.WORKERS


async def test_job_of_killed_worker_is_retried_once(monkeypatch: pytest.MonkeyPatch, converter: Converter) -> None:
    started = module._start
    killed: list[asyncio.subprocess.Process] = []

    async def first_killed() -> asyncio.subprocess.Process:
        worker = await started()
        if not killed:
            killed.append(worker)
            worker.kill()
        return worker

    monkeypatch.setattr(module, "_start", first_killed)
    assert (await converter.image(picture())).width == 64


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only on Linux")
async def test_worker_gets_no_more_memory_than_allowed(converter: Converter) -> None:
    await converter.image(picture(2000, 2000))
    [worker] = converter._pool._idle
    assert resource.prlimit(worker.pid, resource.RLIMIT_DATA) == (MOST_DATA, MOST_DATA)


async def test_tries_of_a_job_share_its_time(monkeypatch: pytest.MonkeyPatch, converter: Converter) -> None:
    limits: list[float] = []
    done = Pool._done_by

    async def dying(pool: Pool, worker: asyncio.subprocess.Process, job: module.Job, seconds: float) -> Result:
        limits.append(seconds)
        worker.send_signal(signal.SIGSTOP)
        asyncio.get_running_loop().call_later(0.2, worker.kill)
        return await done(pool, worker, job, seconds)

    await converter.image(picture())
    monkeypatch.setattr(Pool, "_done_by", dying)
    with pytest.raises(SwollenError):
        await converter.image(picture())
    first, second = limits
    assert first == jobs.IMAGE_S
    assert second <= first - 0.2


@pytest.mark.parametrize(
    ("file", "most_kb", "kind"),
    [
        (b"%PDF-1.4 1 0 obj", 20_000, "UnreadableError"),
        (b"%PDF-1.4 1 0 obj", 350_000, "SwollenError"),
        (pdf("a", password="b"), 350_000, "LockedError"),
    ],
)
def test_memory_running_out_is_no_damage(monkeypatch: pytest.MonkeyPatch, file: bytes, most_kb: int, kind: str) -> None:
    monkeypatch.setattr(media_worker, "peak_memory", lambda: most_kb)
    fields, _ = media_worker._done("document", file, {"name": "a", "mime": None, "most_characters": 9})
    assert fields["error"] == kind
