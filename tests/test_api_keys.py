"""A key, and whatever else says who we are, reaches only the server that it was given for."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.errors import ModelError
from bot.llm.client import make_client
from bot.llm.interface import Message, Purpose, Sound
from bot.settings import load
from bot.wiring.servers import open_servers
from sandbox.http import serve

SECRETS = {
    "OPENAI_API_KEY": "sk-main",
    "OPENAI_ADMIN_KEY": "sk-admin-of-another-program",
    "OPENAI_ORG_ID": "org-of-another-program",
    "OPENAI_PROJECT_ID": "project-of-another-program",
    "OPENAI_CUSTOM_HEADERS": "X-Gateway: of-another-program\nauthorization: Bearer of-another-program",
}
BESIDE = {"EMBEDDING_MODEL": "e", "TRANSCRIPTION_MODEL": "t", "FALLBACK_MODEL": "f"}


@dataclass(slots=True)
class Host:
    """A server that keeps what it is told of the sender, and refuses, or sends on to another one."""

    url: str = ""
    elsewhere: str | None = None
    seen: dict[str, dict[str, str]] = field(default_factory=dict)
    """The headers of each path's last request."""

    async def answer(self, request: Request) -> Response:
        self.seen[request.url.path.rpartition("/")[2]] = dict(request.headers)
        if self.elsewhere:
            return RedirectResponse(f"{self.elsewhere}{request.url.path.removeprefix('/v1')}", 307)
        return JSONResponse({"error": {"message": "no"}}, 400)

    @property
    def keys(self) -> dict[str, str | None]:
        return {path: headers.get("authorization") for path, headers in self.seen.items()}


@pytest.fixture
async def hosts(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Host, Host]]:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1:abc")
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with AsyncExitStack() as stack:
        pair = Host(), Host()
        for host in pair:
            app = Starlette(routes=[Route("/{path:path}", host.answer, methods=["GET", "POST"])])
            host.url = await stack.enter_async_context(serve(app)) + "/v1"
        monkeypatch.setenv("OPENAI_BASE_URL", pair[0].url)
        yield pair


async def ask_all() -> None:
    """Ask the model, embed a text and have a voice message written down; all of them are refused."""
    async with AsyncExitStack() as stack:
        services = open_servers(load(env_file=None), stack)
        with pytest.raises(ModelError):
            async for _ in services.models.of("m").stream([Message("user", "hello")]):
                pass
        if services.embedder is not None:
            with pytest.raises(ModelError):
                await services.embedder.embed(["hello"], Purpose.QUERY)
        if services.transcriber is not None:
            with pytest.raises(ModelError):
                await services.transcriber.transcribe(Sound("mp3", b"x"))


def said(host: Host) -> str:
    return str(list(host.seen.values()))


async def test_one_server_is_asked_with_one_key(hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch) -> None:
    main, _ = hosts
    monkeypatch.setenv("EMBEDDING_MODEL", "e")
    monkeypatch.setenv("EMBEDDING_BASE_URL", main.url.replace("/v1", "/other/path"))
    monkeypatch.setenv("TRANSCRIPTION_MODEL", "t")
    await ask_all()
    assert main.keys == dict.fromkeys(("completions", "embeddings", "transcriptions"), "Bearer sk-main")
    assert "another-program" not in said(main)


async def test_other_server_gets_no_key_with_warning(
    hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, other = hosts
    for name in ("EMBEDDING", "TRANSCRIPTION"):
        monkeypatch.setenv(f"{name}_MODEL", "e")
        monkeypatch.setenv(f"{name}_BASE_URL", other.url)
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-dash")
    await ask_all()
    assert other.keys == {"embeddings": None, "transcriptions": None}
    assert "sk-" not in said(other)
    assert "another-program" not in said(other)
    assert "EMBEDDING_API_KEY is not set" in caplog.text
    assert "TRANSCRIPTION_API_KEY is not set" in caplog.text


async def test_each_server_gets_its_own_key(
    hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    main, other = hosts
    for name in ("EMBEDDING", "TRANSCRIPTION", "FALLBACK"):
        monkeypatch.setenv(f"{name}_MODEL", "e")
        monkeypatch.setenv(f"{name}_BASE_URL", other.url)
        monkeypatch.setenv(f"{name}_API_KEY", f"sk-{name}")
    main.elsewhere = None
    await ask_all()
    assert main.keys["completions"] == "Bearer sk-main"
    assert other.keys["embeddings"] == "Bearer sk-EMBEDDING"
    assert other.keys["transcriptions"] == "Bearer sk-TRANSCRIPTION"
    assert "sk-main" not in said(other)
    assert "another-program" not in said(main) + said(other)
    assert "is not set" not in caplog.text


async def test_the_native_interface_has_its_own_key(
    hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    main, other = hosts
    monkeypatch.setenv("LLM_API", "dashscope")
    monkeypatch.setenv("DASHSCOPE_BASE_URL", other.url)
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-dash")
    monkeypatch.setenv("EMBEDDING_MODEL", "e")
    await ask_all()
    assert other.keys == {"generation": "Bearer sk-dash"}
    assert main.keys == {"embeddings": "Bearer sk-main"}


@pytest.mark.parametrize("interface", ["chat", "responses", "dashscope"])
async def test_no_key_follows_a_redirect(
    hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch, interface: str
) -> None:
    main, other = hosts
    main.elsewhere = other.url
    monkeypatch.setenv("LLM_API", interface)
    monkeypatch.setenv("DASHSCOPE_BASE_URL", main.url)
    await ask_all()
    assert set(main.keys.values()) == {"Bearer sk-main"}
    assert "sk-main" not in said(other)


@pytest.mark.parametrize("retried", [False, True])
async def test_no_key_is_none_after_a_copy_too(hosts: tuple[Host, Host], retried: bool) -> None:
    _, other = hosts
    one = make_client(other.url, None, silence=5, connect=5)
    with pytest.raises(Exception, match="no"):
        await (one.with_options(max_retries=1) if retried else one).models.list()
    assert other.keys == {"models": None}
    assert "another-program" not in said(other)
    await one.close()


def test_openais_own_host_gets_what_is_openais(hosts: tuple[Host, Host]) -> None:
    headers = make_client("https://api.openai.com/v1", "sk-x", silence=5, connect=5).default_headers
    assert headers["OpenAI-Organization"] == SECRETS["OPENAI_ORG_ID"]
    assert headers["Authorization"] == "Bearer sk-x"
    headers = make_client("https://api.openai.com.evil.example/v1", "sk-x", silence=5, connect=5).default_headers
    assert "of-another-program" not in str(headers)
