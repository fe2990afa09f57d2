"""Conversions run beside the bot, and nothing that happens to them happens to it."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.media import workshop as module
from bot.media.errors import NotSupportedError, TooLargeError, UnreadableError
from bot.media.image import image
from bot.media.workshop import Workshop
from tests.media.files import pdf, picture, png_bomb, samples, wav


@pytest.fixture
async def workshop() -> AsyncIterator[Workshop]:
    opened = Workshop()
    yield opened
    await opened.close()


async def test_it_does_what_the_functions_do(workshop: Workshop) -> None:
    large = picture(3000, 1000)
    assert await workshop.image(large) == image(large)
    heard = await workshop.sound(wav(1.0), most_seconds=5)
    assert (heard.format, round(heard.seconds, 1)) == ("mp3", 1.0)
    assert (await workshop.voice_note(samples(1.0))).startswith(b"OggS")
    read = await workshop.document(pdf("hello"), "a.pdf", None, most_characters=100)
    assert (read.text, read.pages, read.cut) == ("hello", 1, False)


async def test_what_is_wrong_with_a_file_is_told_as_by_the_functions(workshop: Workshop) -> None:
    with pytest.raises(TooLargeError):
        await workshop.image(png_bomb())
    with pytest.raises(NotSupportedError):
        await workshop.document(bytes(range(256)) * 9, "a.bin", None, most_characters=100)
    assert (await workshop.image(picture())).width == 64


async def test_a_job_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch, workshop: Workshop) -> None:
    started = module._start

    async def stopped() -> asyncio.subprocess.Process:
        worker = await started()
        os.kill(worker.pid, 19)  # SIGSTOP: it takes the job and does nothing
        return worker

    monkeypatch.setattr(module, "_start", stopped)
    workshop._seconds = 0.3
    with pytest.raises(UnreadableError):
        await workshop.image(picture())
    monkeypatch.setattr(module, "_start", started)
    workshop._seconds = 20.0
    assert (await workshop.image(picture())).width == 64


async def test_a_worker_that_dies_is_replaced(workshop: Workshop) -> None:
    await workshop.image(picture())
    workshop._idle[0].kill()
    with pytest.raises(UnreadableError):
        await workshop.image(picture())
    assert (await workshop.image(picture())).width == 64


async def test_a_worker_has_none_of_the_bots_secrets_and_ends_with_its_pipe(
    monkeypatch: pytest.MonkeyPatch, workshop: Workshop
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    await workshop.image(picture())
    [worker] = workshop._idle
    environment = await asyncio.to_thread(Path(f"/proc/{worker.pid}/environ").read_bytes)
    assert b"sk-secret" not in environment
    assert worker.stdin is not None
    worker.stdin.close()
    async with asyncio.timeout(5):
        assert await worker.wait() == 0


async def test_many_files_at_once_are_done_by_few_workers(workshop: Workshop) -> None:
    made = await asyncio.gather(*(workshop.image(picture(width=64 + at)) for at in range(10)))
    assert [one.width for one in made] == [64 + at for at in range(10)]
    assert len(workshop._idle) <= module.WORKERS
