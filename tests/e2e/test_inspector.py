"""The inspector's figures are those of the usage rows and of the model server, and only its reader sees them."""

import asyncio
import re
import signal
import socket
import sys
from contextlib import suppress
from datetime import UTC, date
from zoneinfo import ZoneInfo

import httpx
import pytest

from bot.conversation.past_prompt import Fidelity, PastPrompts
from bot.conversation.tokens import make_counter
from bot.errors import StartError
from bot.inspector.answer_reader import AnswerReader
from bot.inspector.answer_view import figures_html, heading_html, notes_html, recall_html, window_html
from bot.inspector.course_plot import plot_options, plot_summary
from bot.inspector.inspector_server import inspect
from bot.inspector.overview_html import costs_html, failures_html, slow_html
from bot.inspector.page import midnight
from bot.inspector.prompt_view import array_html, strip_html
from bot.pricing import Amount
from bot.settings import load
from storage import Storage
from storage.insights import Insights
from storage.records import Chat, ChatKey, ModelUsage, Usage
from tests.e2e import tables
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.programs import whole
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import Model, say
from tests.e2e.test_past_prompts import open_read_only
from tests.e2e.test_why import RECALLING, ZOE, asked_about_zoe

EVIL = "<script>alert(1)</script> & <img src=x onerror=alert(2)>"


async def read(stage: Stage) -> tuple[Storage, AnswerReader, Insights, Chat]:
    storage = await open_read_only(stage)
    count_tokens = make_counter("stand-in")
    reader = AnswerReader(storage, PastPrompts(storage, "another", count_tokens, UTC), count_tokens)
    chat = await storage.chats.find(ChatKey(stage.home.id))
    assert chat is not None
    return storage, reader, Insights(storage.database), chat


async def test_figures_are_those_that_were_reported(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start(**RECALLING)
    await asked_about_zoe(stage)
    storage, reader, insights, chat = await read(stage)
    course = await insights.course(chat)
    reported = [
        count
        for count, request in zip(stage.model.counts, stage.model.requests, strict=True)
        if "Write the notes" not in request.last_words
    ]
    assert [(line.own.input, line.own.cached) for line in course if line.own] == [
        (count.total, count.cached) for count in reported
    ]
    rows = await storage.database.rows("SELECT * FROM usage WHERE chat_id = ?", (chat.id,))
    costs = await insights.costs(date(2000, 1, 1), date(2999, 1, 1), chat.id)
    ((used,),) = costs.values()
    assert (used.usage.input, used.usage.cached, used.usage.output) == (
        rows[0]["input_tokens"],
        rows[0]["cached_tokens"],
        rows[0]["output_tokens"],
    )
    assert await insights.costs(date(2000, 1, 1), date(2999, 1, 1)) != {}
    aside = [count.total for count in stage.model.counts if count not in reported]
    assert sum(line.all.input for line in course) + sum(aside) == used.usage.input
    detail = await reader.detail(chat, course[-1].reply_id)
    assert detail is not None
    assert detail.past.fidelity is Fidelity.EXACT
    assert detail.shown.tokens == pytest.approx(reported[-1].total)
    assert detail.compacted
    assert ZOE in recall_html(detail.found, UTC)
    assert "Her boat is called Swordfish." in notes_html(detail.past.notes, detail.notes_before, UTC)
    assert f'data-input="{reported[-1].total}" data-cached="{reported[-1].cached}"' in figures_html(detail)
    assert "A compaction ran since the answer before." in window_html(detail)
    assert plot_summary(course).endswith("compacted once.")
    assert plot_options(course, UTC)["series"][0]["data"] == [count.cached for count in reported]
    await storage.close()


async def test_chat_without_compactions_has_no_thresholds(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start(MEMORY="full")
    assert "Something went wrong" not in await say(stage, "hello")
    storage, reader, insights, chat = await read(stage)
    (line,) = await insights.answers(chat)
    detail = await reader.detail(chat, line.reply_id)
    assert detail is not None
    assert "Nothing is compacted in this chat." in window_html(detail)
    high = [one["data"] for one in plot_options([line], UTC)["series"] if one["name"] == "high threshold"]
    assert high == [[None]]
    await storage.close()


async def test_words_are_never_markup(stage: Stage, hurry: None) -> None:
    model = Model(stage)
    await stage.start()
    await say(stage, EVIL)
    storage, reader, insights, chat = await read(stage)
    (line,) = await insights.answers(chat)
    detail = await reader.detail(chat, line.reply_id)
    assert detail is not None
    slow = slow_html(await insights.slow(), UTC)
    made = heading_html(detail, UTC) + array_html(detail.shown) + strip_html(detail.shown, line.own) + slow
    assert made.count("&lt;script&gt;") == 4
    assert "<script" not in made
    assert "<img" not in made
    await storage.close()
    assert len(model.asked) == 1


async def test_answer_is_found_by_either_message(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start()
    asked = await stage.ann.say(stage.home, "hello")
    await stage.replies(1)
    storage, reader, insights, chat = await read(stage)
    (line,) = await insights.answers(chat)
    assert line.message_id == stage.home.replies[0].id
    assert await reader.answer_with(chat, asked.id) == line.reply_id
    assert await reader.answer_with(chat, line.message_id) == line.reply_id
    assert await reader.answer_with(chat, 999_999) is None
    (found,) = await insights.chats("ann")
    assert (found.key.telegram_id, found.name) == (stage.home.id, "Ann")
    assert await insights.chats("nobody") == []
    assert await insights.chats("", date(2001, 1, 1)) == []
    assert "Questions without an answer" in failures_html(await insights.failures())
    await storage.close()


async def test_slowest_answers_leave_out_what_was_reset(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start()
    await say(stage, "my boat is called Zanzibar")
    storage, _, insights, _ = await read(stage)
    assert "Zanzibar" in str(await insights.slow())
    await say(stage, "/reset")
    assert await insights.slow() == []
    await storage.close()


def test_days_may_have_more_hours() -> None:
    zone, days = ZoneInfo("Europe/Berlin"), [date(2026, 10, number) for number in (24, 25, 26)]
    first, second, third = (midnight(day, zone) for day in days)
    assert (second - first, third - second) == (24 * 3600, 25 * 3600)


def test_costs_list_models_by_day() -> None:
    used = Usage(1_000_000, 400_000, 10)
    made = costs_html({date(2026, 1, 2): [ModelUsage("m<b>", 1, 1, used)]}, lambda *_: Amount(0.5, "USD"), "costs")
    assert "2026-01-02" in made
    assert "m&lt;b&gt;" in made
    assert "400,000 <small>40%</small>" in made
    assert "0.5000 USD" in made


async def test_command_serves_only_with_the_token(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start()
    await say(stage, "hello")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "inspect", "--no-open", "--frame", "http://127.0.0.1:8000"),
        env={**whole(stage.environment), "LOG_LEVEL": "WARNING"}, cwd=stage.folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        address = (await process.stdout.readline()).decode().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{32}", address)
    async with httpx.AsyncClient(trust_env=False) as client:
        shown = await client.get(address)
        assert shown.status_code == 200
        assert "Keepsake inspector" in shown.text
        policies = shown.headers.get_list("content-security-policy")
        assert "frame-ancestors http://127.0.0.1:8000" in policies
        assert any(policy.startswith("default-src 'self'") for policy in policies)
        for query in ("chat=99999999999999999999", "chat=1&message=99999999999999999999", "message=²", "chat=x"):
            assert (await client.get(f"{address}&{query}")).status_code == 200
        client.cookies.clear()
        for wrong, headers in (
            (address[:-1], {}),
            (address, {"host": "evil.example"}),
            (address, {"origin": "http://a.b"}),
        ):
            assert (await client.get(wrong, headers=headers)).status_code == 403
        assert (await client.get(address.replace("/?", "/media/abc?"))).status_code == 404
    process.send_signal(signal.SIGINT)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    await say(stage, "still there?")


async def test_page_says_that_database_is_damaged(stage: Stage, hurry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    Model(stage)
    await stage.start()
    await say(stage, "hello")
    for name, value in stage.environment.items():
        monkeypatch.setenv(name, value)
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(inspect(load(env_file=None), 0, None, address.set_result, opens=False))
    async with httpx.AsyncClient(trust_env=False) as client:
        url = (await address).strip()
        await asyncio.to_thread(tables.write, stage, "ALTER TABLE bases RENAME TO lost")  # the bot may be writing
        shown = await client.get(url)
        await asyncio.to_thread(tables.write, stage, "ALTER TABLE lost RENAME TO bases")
    assert shown.status_code == 200
    assert "The database can't be read" in shown.text
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def test_port_that_is_taken_is_named(stage: Stage, hurry: None) -> None:
    Model(stage)
    await stage.start()
    await say(stage, "hello")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"--port: .*127.0.0.1:{port}"):
            await inspect(load(env_file=None), port, None, print, opens=False)
