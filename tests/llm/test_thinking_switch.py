"""A server is told in its own words whether to think, whatever the model."""

import pytest
from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.llm.chat_completions import ChatCompletions
from bot.llm.interface import Message, Options
from bot.llm.openai_server import OpenAIServer
from bot.llm.responses import Responses
from sandbox.http import serve

ASKED = [Message("user", "hello")]
NAMES = ("enable_thinking", "chat_template_kwargs", "reasoning_effort", "reasoning_format", "reasoning", "thinking")
GROQ, LOCAL = "https://api.groq.com/openai/v1", "http://127.0.0.1:8000/v1"
STUDIO, ROUTER = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "https://openrouter.ai/api/v1"
TEMPLATE = {"enable_thinking": False}


@pytest.mark.parametrize(
    ("url", "model", "fields"),
    [
        (GROQ, "qwen/qwen3-32b", {"reasoning_effort": "none", "reasoning_format": "parsed"}),
        (GROQ, "qwen/qwen3.8-27b", {"reasoning_effort": "none", "reasoning_format": "parsed"}),
        (GROQ, "openai/gpt-oss-120b", {"reasoning_effort": "low"}),
        (GROQ, "llama-3.3-70b-versatile", {}),
        (LOCAL, "Qwen/Qwen3-8B", {"enable_thinking": False, "chat_template_kwargs": TEMPLATE}),
        (LOCAL, "openai/gpt-oss-20b", {"reasoning_effort": "low"}),
        (LOCAL, "deepseek-v4", {"enable_thinking": False, "chat_template_kwargs": {"thinking": False}}),
        (STUDIO, "qwen3.7-plus", {"enable_thinking": False}),
        (STUDIO, "glm-5.2", {"enable_thinking": False}),
        (ROUTER, "qwen/qwen3.7-plus", {"reasoning": {"enabled": False}}),
        ("https://api.deepseek.com", "deepseek-v4-pro", {"thinking": {"type": "disabled"}}),
        ("https://api.moonshot.ai/v1", "kimi-k2.6", {"thinking": {"type": "disabled"}}),
        ("https://api.z.ai/api/paas/v4", "glm-5.3", {"thinking": {"type": "disabled"}}),
        ("https://api.openai.com/v1", "gpt-5.4", {}),
    ],
)
async def test_each_host_has_its_switch(url: str, model: str, fields: dict[str, JsonValue]) -> None:
    server = OpenAIServer(ChatCompletions, base_url=url, api_key="sk-any", extra_body={}, timeout=5.0)
    made = server.of(model)
    assert isinstance(made, ChatCompletions)
    sent = made._optional(ASKED, Options(thinking=False))
    assert {name: value for name, value in sent.items() if name in NAMES} == fields
    await server.close()


@pytest.mark.parametrize(
    ("url", "model", "fields"),
    [
        (GROQ, "qwen/qwen3-32b", {"reasoning": {"effort": "none"}}),
        (GROQ, "openai/gpt-oss-120b", {"reasoning": {"effort": "low"}}),
        (STUDIO, "qwen3.7-plus", {"enable_thinking": False}),
    ],
)
async def test_responses_have_another_one(url: str, model: str, fields: dict[str, JsonValue]) -> None:
    server = OpenAIServer(Responses, base_url=url, api_key="sk-any", extra_body={}, timeout=5.0)
    made = server.of(model)
    assert isinstance(made, Responses)
    sent = made._optional(ASKED, Options(thinking=False))
    assert {name: value for name, value in sent.items() if name in NAMES} == fields
    await server.close()


async def test_ollama_is_told_in_its_own_words() -> None:
    async def answer(request: Request) -> JSONResponse:
        listing = {"data": [{"id": "qwen3:8b", "owned_by": "library"}]}
        return JSONResponse(listing if request.url.path == "/v1/models" else {"models": []})

    routes = [Route("/v1/models", answer), Route("/api/ps", answer)]
    async with serve(Starlette(routes=routes)) as url:
        for kind, off in (
            (ChatCompletions, {"reasoning_effort": "none"}),
            (Responses, {"reasoning": {"effort": "none"}}),
        ):
            server = OpenAIServer(kind, base_url=f"{url}/v1", api_key="sk-any", extra_body={}, timeout=5.0)
            await server.learn()
            made = server.of("qwen3:8b")
            for thinking, fields in ((False, off), (True, {})):
                sent = made._optional(ASKED, Options(thinking=thinking))
                assert {name: value for name, value in sent.items() if name in NAMES} == fields
            await server.close()
