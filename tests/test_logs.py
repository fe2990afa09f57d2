"""No secret is in any line of the log, whoever writes it."""

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import openai
import pytest
from telegram import Bot
from telegram.error import InvalidToken
from telegram.request import HTTPXRequest

from bot import logs
from bot.concurrency import start_apart
from bot.wordless import HIDDEN
from sandbox.model import ModelServer

TOKEN = "123456:AAE-very_secret"
KEY = "sk-0123456789abcdef"


@pytest.fixture(autouse=True)
def restore_logging() -> Iterator[None]:
    root, hooks = logging.getLogger(), (sys.excepthook, sys.unraisablehook, threading.excepthook)
    handlers, level, loud = root.handlers[:], root.level, logging.raiseExceptions
    yield
    logging.raiseExceptions = loud
    root.handlers = handlers
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    for name in (*logs.OURS, *logs.NOISY):
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture(params=["text", "json"])
def log(request: pytest.FixtureRequest) -> io.StringIO:
    """What the handler writes: configured as in production, then pointed at a text."""
    logs.configure("DEBUG", request.param, [TOKEN, KEY])
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    handler.setStream(written)
    return written


def _clean(log: io.StringIO) -> str:
    written = log.getvalue()
    assert "very_secret" not in written
    assert KEY not in written
    return written


def test_secrets_in_messages_arguments_and_urls_are_hidden(log: io.StringIO) -> None:
    logging.getLogger("any").warning("at %s with %s", f"https://x/bot{TOKEN}/getMe", {"key": KEY})
    logging.getLogger("any").warning("encoded: https://x/?token=123456%3AAAE-very_secret")
    assert _clean(log).count(HIDDEN) == 3


@pytest.mark.parametrize("key", ["sk-a/b+c=very_secret", "sk-a\"b\\c'very_secret"])
def test_any_key_is_hidden_in_every_form(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "text", [key])
    for form in (key, quote(key), quote(key, safe=""), repr([key]), json.dumps(key)):
        logging.getLogger("any").info("in %s", form)
    written = capsys.readouterr().err
    assert "very_secret" not in written
    assert written.count(HIDDEN) == 5


def test_secrets_deep_in_exceptions_are_hidden(log: io.StringIO) -> None:
    try:
        try:
            raise ValueError(f"could not reach bot{TOKEN}")
        except ValueError as exc:
            raise RuntimeError("outer") from exc
    except RuntimeError:
        logging.getLogger("any").exception("failed")
    written = _clean(log)
    assert HIDDEN in written
    assert "outer" in written


async def test_telegrams_client_shows_no_token(log: io.StringIO) -> None:
    async with ModelServer().run() as url:  # any server will do: it answers 404, which means an unknown token
        async with HTTPXRequest() as request:
            bot = Bot(TOKEN, base_url=f"{url}/bot", request=request)
            with pytest.raises(InvalidToken) as caught:
                await bot.get_me()
        logging.getLogger("any").error("refused", exc_info=caught.value)
    assert "404" in _clean(log)


async def test_httpx_shows_no_token_when_nobody_answers(log: io.StringIO) -> None:
    async with ModelServer().run() as url:
        pass
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError) as caught:
            await client.get(f"{url}/bot{TOKEN}/getMe")
    logging.getLogger("any").error("refused", exc_info=caught.value)
    assert "refused" in _clean(log)


async def test_openais_client_shows_no_key(log: io.StringIO) -> None:
    async with ModelServer(key="another").run() as url:
        async with openai.AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
            with pytest.raises(openai.AuthenticationError) as caught:
                await client.models.list()
        logging.getLogger("any").error("refused by %s", url, exc_info=caught.value)
    assert "401" in _clean(log)


def test_a_broken_log_call_shows_no_secret(log: io.StringIO) -> None:
    logging.getLogger("any").error("%d", TOKEN)
    assert _clean(log) == ""


def test_too_short_key_spoils_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "text", ["k"])
    logging.getLogger("bot.test").info("kept")
    assert "kept" in capsys.readouterr().err


def test_a_json_line_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json", [TOKEN])
    try:
        raise ValueError(TOKEN)
    except ValueError:
        logging.getLogger("bot.test").exception("two\nlines")
    line = json.loads(capsys.readouterr().err)
    assert line["level"] == "ERROR"
    assert line["logger"] == "bot.test"
    assert line["message"] == "two\nlines"
    assert line["error"].endswith(f"ValueError: {HIDDEN}")


def test_a_text_line_says_when_what_and_where(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "text", [])
    logging.getLogger("bot.test").info("Ready")
    time, _, rest = capsys.readouterr().err.partition(" ")
    assert len(time) == len("2026-11-23T12:00:00Z")
    assert rest == "INFO bot.test: Ready\n"


def test_json_log_has_stack_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json", ["logging.getLogger"])
    logging.getLogger("bot.test").info("here", stack_info=True)
    line = json.loads(capsys.readouterr().err)
    assert line["stack"].startswith("Stack (most recent call last):")
    assert HIDDEN in line["stack"]
    assert "logging.getLogger" not in line["stack"]


@pytest.mark.parametrize(
    ("failing", "code"),
    [
        ("raise RuntimeError(text)", 1),
        (
            "import threading\n"
            "threading.Thread(target=exec, args=['raise RuntimeError(text)', {'text': text}]).start()",
            0,
        ),
        ("type('Ended', (), {'__del__': lambda self: exec('raise RuntimeError(text)', {'text': text})})()", 0),
    ],
    ids=["main", "thread", "finaliser"],
)
def test_an_exception_that_nobody_catches_shows_no_secret(failing: str, code: int) -> None:
    program = f"from bot import logs; text = '{TOKEN}'; logs.configure('INFO', 'text', [text]); {failing}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == code
    assert HIDDEN in ended.stderr
    assert "RuntimeError" in ended.stderr
    assert "very_secret" not in ended.stderr.replace(program, "")


def _fail(word: str) -> None:
    try:
        int(word)
    except ValueError as exc:
        raise RuntimeError(f"«{word}» and it isn't a number, can't be") from exc


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_exceptions_quote_is_hidden(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", form, [])
    try:
        _fail("private" + "word")  # the line itself is shown
    except RuntimeError as exc:
        logging.getLogger("bot.test").exception("failed: %s, %r", exc, exc)
    written = capsys.readouterr().err
    assert "privateword" not in written
    assert "it isn't a number, can't be" in written
    assert "invalid literal for int() with base 10" in written


def test_words_of_an_exception_group_are_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "text", [])
    group = ExceptionGroup("both", [KeyError("privateword"), ValueError("plain")])
    logging.getLogger("bot.test").error("failed", exc_info=group)
    written = capsys.readouterr().err
    assert "privateword" not in written
    assert "ValueError: plain" in written


def test_words_are_shown_if_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG", "text", [], words=True)
    logging.getLogger("bot.test").info("failed: %s", KeyError("privateword"))
    logging.getLogger("openai").debug("a request")
    logging.getLogger("aiosqlite").debug("a statement")
    written = capsys.readouterr().err
    assert "privateword" in written
    assert "a request" in written
    assert "a statement" not in written


def test_debug_leaves_other_libraries_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG", "text", [])
    logging.getLogger("telegram.request.BaseRequest").error("with words")
    for name in ("openai", "telegram.Bot", "httpx", "aiosqlite", "anything"):
        logging.getLogger(name).debug("with words")
    logging.getLogger("bot.test").debug("ours")
    written = capsys.readouterr().err
    assert "with words" not in written
    assert "ours" in written


async def test_tasks_of_a_turn_share_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json", [])

    async def work() -> None:
        logging.getLogger("bot.test").info("inside", extra={"fields": {"chat": 7, "who": "x"}})

    with logs.logged_turn():
        await asyncio.create_task(work())
        logging.getLogger("bot.test").info("still")
    logging.getLogger("bot.test").info("after")
    inside, still, after = map(json.loads, capsys.readouterr().err.splitlines())
    assert inside["turn"] == still["turn"]
    assert "turn" not in after
    assert (inside["chat"], inside["who"]) == (7, "x")


async def test_background_work_has_no_turn(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json", [])

    async def work() -> None:
        logging.getLogger("bot.test").info("working")

    with logs.logged_turn():
        await start_apart(work(), "work")
        await work()
    apart, within = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert "turn" not in apart
    assert within["turn"]
