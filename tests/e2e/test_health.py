"""What an operator sees of the bot as a process of its own: /healthz, /readyz, /metrics, and lines of the log."""

import asyncio
import json

import httpx
import pytest

from bot.health import Health
from sandbox.botapi import BotApi
from sandbox.model import Behaviour, Break, Fail, HoldStream, Raw, Say
from tests.e2e.conftest import PATIENCE_S, Stage

CONFLICT = "Conflict: terminated by other getUpdates request"


@pytest.fixture
async def url() -> str:
    async with BotApi().run() as url:  # a port that is free
        return url


async def _start(stage: Stage, url: str, **variables: str) -> None:
    await stage.start(PORT=url.rpartition(":")[2], **variables)
    await stage.ready()


async def _get(url: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{url}{path}", headers=headers)
        return response.status_code, response.text


async def _until(url: str, path: str, wanted: tuple[int, str]) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(int(PATIENCE_S / 0.1)):
            response = await client.get(f"{url}{path}")
            if (response.status_code, response.text) == wanted:
                return
            await asyncio.sleep(0.1)
    raise AssertionError((response.status_code, response.text))


async def test_refused_polls_make_bot_unready(process: Stage, url: str) -> None:
    await _start(process, url)
    await _until(url, "/readyz", (200, "ready"))
    process.telegram.faults.add("getUpdates", 1000, code=409, description=CONFLICT)
    await process.ann.say(process.home, "hello")  # ends the poll that is open
    await _until(url, "/readyz", (503, "not ready: telegram"))
    assert await _get(url, "/healthz") == (200, "ok")
    process.telegram.faults.clear()
    await _until(url, "/readyz", (200, "ready"))  # within seconds, which a long poll would take longer than
    assert process.log().count("Updates can't be received") == 1


async def test_healthy_while_telegram_was_never_reached(process: Stage, url: str) -> None:
    process.telegram.faults.add("getMe", 1000, code=502, description="Bad Gateway")
    await process.start(PORT=url.rpartition(":")[2])
    await process.telegram.wait_call("getMe", timeout=PATIENCE_S)
    assert await _get(url, "/healthz") == (200, "ok")
    status, text = await _get(url, "/readyz")
    assert status == 503
    assert "telegram" in text


async def test_metrics_count_a_turn_without_chats(process: Stage, url: str) -> None:
    process.model.script(Say("one two"))
    await _start(process, url)
    await process.ann.say(process.home, "hello")
    await process.replies(1)
    status, text = await _get(url, "/metrics")
    assert status == 200
    assert 'keepsake_turns_total{model="stand-in"} 1.0' in text
    assert 'keepsake_tokens_total{kind="output",model="stand-in"}' in text
    assert str(process.home.id) not in text


async def test_metrics_need_their_token(process: Stage, url: str) -> None:
    await _start(process, url, METRICS_TOKEN="metrics-token")
    assert (await _get(url, "/metrics"))[0] == 403
    assert (await _get(url, "/metrics", {"Authorization": "Bearer other"}))[0] == 403
    assert (await _get(url, "/metrics", {"Authorization": "Bearer metrics-token"}))[0] == 200


async def test_checks_answer_head_and_trailing_slash(process: Stage, url: str) -> None:
    await _start(process, url)
    async with httpx.AsyncClient() as client:
        for path in ("/healthz", "/healthz/", "/readyz/", "/metrics/"):
            assert (await client.head(f"{url}{path}")).status_code == 200
            assert (await client.post(f"{url}{path}")).status_code == 405


async def test_metrics_behind_webhook_need_a_token(process: Stage, url: str) -> None:
    await process.start(PORT=url.rpartition(":")[2], WEBHOOK_URL=f"{url}/hook")
    await process.telegram.wait_call("setWebhook", timeout=PATIENCE_S)
    assert (await _get(url, "/metrics"))[0] == 403


async def test_metrics_without_token_refuse_forwarded_requests(process: Stage, url: str) -> None:
    await _start(process, url)
    assert (await _get(url, "/metrics", {"X-Forwarded-For": "127.0.0.1"}))[0] == 403


async def test_debug_log_has_turn_and_no_word(process: Stage, url: str) -> None:
    process.model.script(Say("wordofanswer"))
    await _start(process, url, LOG_LEVEL="DEBUG", LOG_FORMAT="json")
    await process.ann.say(process.home, "wordofquestion")
    await process.replies(1)
    await process.end()
    lines = [json.loads(line) for line in process.log().splitlines()]
    (answered,) = [line for line in lines if line["message"].startswith("Answered")]
    assert answered["chat"] == process.home.id
    assert answered["model"] == "stand-in"
    assert answered["turn"]
    assert "wordof" not in process.log()
    assert "aiosqlite" not in process.log()


@pytest.mark.parametrize(
    "failing",
    [
        Fail(400, "content rejected: zebrafish"),
        Fail(422, body=b'{"detail": [{"loc": ["body", "zebrafish"], "msg": "value zebrafish"}]}'),
        Break("one", after=1, error=Fail(500, "broke at zebrafish", code="zebrafish")),
        Raw(b'data: {"zebrafish": }\n\n'),
        Raw(b"zebrafish", media_type="text/html"),
    ],
    ids=lambda failing: str(getattr(failing, "status", type(failing).__name__)),
)
async def test_servers_quotation_is_not_logged(failing: Behaviour, process: Stage) -> None:
    process.model.always(failing)
    await process.start(LOG_LEVEL="DEBUG")
    await process.ann.say(process.home, "zebrafish")
    await process.replies(1)
    await process.end()
    assert "zebrafish" not in process.log()


async def test_answer_stored_before_kill_is_logged_once(process: Stage, url: str) -> None:
    hold = process.telegram.faults.hold("sendMessage")
    await _start(process, url)
    await process.ann.say(process.home, "hello")
    await hold.reached(PATIENCE_S)
    await process.kill()
    await _start(process, url)
    await process.replies(1)
    await process.end()
    (answered,) = [line for line in process.log().splitlines() if "Answered" in line]
    assert f"Answered chat {process.home.id} by stand-in, stored earlier" in answered


async def test_words_are_logged_if_asked_for(process: Stage, url: str) -> None:
    await _start(process, url, LOG_LEVEL="DEBUG", LOG_WORDS="on")
    await process.ann.say(process.home, "wordofquestion")
    await process.replies(1)
    await process.end()
    assert "wordofquestion" in process.log()
    assert "INSERT" not in process.log()


async def test_an_owners_decision_is_one_line(process: Stage) -> None:
    await process.start(OWNER_IDS=str(process.ann.id), ACCESS="approval")
    await process.ann.say(process.home, "/allow 4711")
    await process.ann.say(process.home, "/budget total 5M")
    await process.replies(2)
    decided = [line.partition(": ")[2] for line in process.log().splitlines() if "Owner " in line]
    assert decided == [
        f"Owner {process.ann.id} decides: person 4711 is allowed",
        f"Owner {process.ann.id} sets the budget total (all) to 5000000",
    ]


async def test_unreachable_model_makes_bot_unready(process: Stage, url: str) -> None:
    async with BotApi().run() as away:
        pass
    await _start(process, url, OPENAI_BASE_URL=f"{away}/v1")
    await _until(url, "/readyz", (503, "not ready: model"))
    assert await _get(url, "/healthz") == (200, "ok")


async def test_work_set_aside_is_counted(process: Stage, url: str) -> None:
    await _start(process, url, POISON="reading:kill")
    await process.ann.say(process.home, "poison")
    for _ in range(3):
        assert process.bot is not None
        async with asyncio.timeout(PATIENCE_S):
            await process.bot.wait()
        await process.start()
    await process.replies(1)
    assert 'keepsake_set_aside_total{kind="update"} 1.0' in (await _get(url, "/metrics"))[1]
    assert f"of chat {process.home.id}" in process.log()


async def test_bot_that_shuts_down_is_not_ready(process: Stage, url: str) -> None:
    hold = HoldStream("finish")
    process.model.script(Say("An answer that is in progress.", hold=hold))
    await _start(process, url)
    await _until(url, "/readyz", (200, "ready"))
    await process.ann.say(process.home, "hello")
    await hold.reached(PATIENCE_S)
    ending = asyncio.create_task(process.end())
    await _until(url, "/readyz", (503, "not ready: process"))
    assert await _get(url, "/healthz") == (200, "ok")
    hold.release()
    assert await ending == 0


async def test_check_may_be_added_while_others_run() -> None:
    health = Health(None)

    async def add_one() -> bool:
        health.watch_sharing(add_one)
        return True

    health.watch_telegram(add_one)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(health.app), base_url="http://bot") as client:
        assert (await client.get("/readyz")).text == "not ready: migration, model"
