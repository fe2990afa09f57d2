"""Optional fields that servers refuse, in the words that they have for it, are left out; the next request knows it.

A server is told in its own words whether to think, whatever the model.
"""

import json
from dataclasses import dataclass

import pytest
from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot import errors
from bot.llm import openai_server
from bot.llm.chat_completions import ChatCompletions
from bot.llm.dashscope import DashScopeServer
from bot.llm.interface import Message, Options, Tool
from bot.llm.model import Model
from bot.llm.openai_server import OpenAIServer
from bot.llm.responses import Responses
from bot.llm.server import Server
from bot.llm.stream_events import Received
from sandbox.http import serve
from sandbox.model import Behaviour, ChatRequest, Fail, ModelServer, Raw, Say
from sandbox.model.model_server import NATIVE

LOOK = Tool("look", "Looks something up.", "word", "What to look for.")
EVERYTHING = Options(tools=(LOOK,), may_call=True, thinking=True, voice=True)
ASKED = [Message("user", "hello")]
pytestmark = pytest.mark.usefixtures("running")
NAMES = ("enable_thinking", "chat_template_kwargs", "reasoning_effort", "reasoning_format", "reasoning", "thinking")
GROQ, LOCAL = "https://api.groq.com/openai/v1", "http://127.0.0.1:8000/v1"
STUDIO, ROUTER = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "https://openrouter.ai/api/v1"
TEMPLATE = {"enable_thinking": False}


@dataclass
class Refuses:
    """A server that takes some fields and not others."""

    fields: dict[str, Fail | Raw]

    def __call__(self, request: ChatRequest) -> Behaviour:
        sent = json.loads(request.body)
        sent |= sent.get("parameters", {})
        return next((refusal for name, refusal in self.fields.items() if name in sent), Say("hi"))


def _models(server: ModelServer, api: str = "chat", **extra: str) -> Server:
    if api == "dashscope":
        return DashScopeServer(base_url=server.dashscope_url, api_key="sk-right", extra_body=dict(extra), timeout=5.0)
    kind = Responses if api == "responses" else ChatCompletions
    return OpenAIServer(
        kind,
        base_url=f"{server.dashscope_url.removesuffix(NATIVE)}/v1",
        api_key="sk-right",
        extra_body=dict(extra),
        timeout=5.0,
    )


async def _text(model: Model, options: Options = EVERYTHING, asked: list[Message] = ASKED) -> str:
    return Received.of([event async for event in model.stream(asked, options)]).text


def _openai(name: str) -> Fail:
    return Fail(400, f"Unknown parameter: '{name}'.", code="unknown_parameter")


def _body(status: int, body: object) -> Fail:
    return Fail(status, body=json.dumps(body).encode())


STREAM_OPTIONS: list[Fail | Raw] = [
    _openai("stream_options"),
    _body(422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "not permitted"}]}),
    _body(400, {"detail": "Extra parameters ['stream_options'] are not allowed when extra-parameters is not set"}),
    _body(400, {"error": "Unrecognized request argument supplied: stream_options"}),
    _body(400, {"object": "error", "message": "[{'loc': ('body', 'stream_options'), 'msg': 'extra fields'}]"}),
    _body(400, {"error": {"message": "Invalid request", "param": "stream_options.include_usage"}}),
    Raw(b'data: {"error": {"message": "stream_options is not supported", "code": 400}}\n\n'),
    Raw(b'event: error\ndata: {"message": "unknown field: stream_options"}\n\n'),
]


TOOLS = [
    Fail(400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
    _body(400, {"error": {"message": "registry.ollama.ai/library/gemma3 does not support tools"}}),
    _body(404, {"error": {"message": "No endpoints found that support tool use. Try disabling it.", "code": 404}}),
    Fail(500, "tools param requires --jinja flag"),
    Fail(400, "`tool calling` is not supported with this model"),
    Fail(400, "Function calling is not enabled for this model"),
    Fail(400, "该模型不支持工具调用"),
]


THINKING = [
    _openai("enable_thinking"),
    Fail(400, "property 'enable_thinking' is unsupported"),
    Fail(400, '"some-model" does not support thinking'),
    Fail(400, "该模型不支持思考模式"),
]


KINDS: list[tuple[str, Fail | Raw, list[str]]] = [
    *(("stream_options", refusal, ["chat"]) for refusal in STREAM_OPTIONS),
    *(("tools", refusal, ["chat", "responses", "dashscope"]) for refusal in TOOLS),
    *(("enable_thinking", refusal, ["chat", "responses", "dashscope"]) for refusal in THINKING),
    ("chat_template_kwargs", _openai("chat_template_kwargs"), ["chat"]),
    ("chat_template_kwargs", Fail(400, "chat_template is not supported for Mistral tokenizers."), ["chat"]),
    ("reasoning_effort", Fail(400, "invalid reasoning value: 'low' (must be \"high\")"), ["chat"]),
    ("modalities", Fail(400, "This model does not support audio output"), ["chat"]),
    ("audio", _openai("audio"), ["chat"]),
    ("reasoning_effort", _openai("reasoning_effort"), ["chat", "responses"]),
    ("top_k", Fail(422, "top_k: Extra inputs are not permitted"), ["chat", "responses", "dashscope"]),
]


async def test_field_refused_by_name_is_dropped(server: ModelServer) -> None:
    for name, refusal, apis in KINDS:
        for api in apis:
            before = len(server.requests)
            refuses: dict[str, Fail | Raw] = {name: refusal}
            server.answer_with(Refuses(refuses))
            models = _models(server, api, reasoning_effort="low", top_k="5")
            model = models.of("qwen3-omni-x" if name in ("audio", "modalities") else "qwen-plus")
            for _ in range(2):
                assert await _text(model) == "hi", (name, api, refusal)
            assert len(server.requests) - before == 3, (name, api, refusal)
            sent = json.loads(server.requests[-1].body)
            assert name not in sent | sent.get("parameters", {}), (name, api)
            await models.close()


async def test_server_error_over_field_is_not_retried(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_server, "RETRIES", 4)
    server.answer_with(Refuses({"tools": Fail(500, "tools param requires --jinja flag")}))
    models = _models(server)
    assert await _text(models.of("qwen-plus")) == "hi"
    assert len(server.requests) == 2
    await models.close()


async def test_each_model_has_its_own(server: ModelServer) -> None:
    server.answer_with(Refuses({"tools": TOOLS[0]}))
    models = _models(server)
    first, second = models.of("qwen-plus"), models.of("qwen-flash")
    await _text(first)
    assert (first.calls, second.calls) == (False, True)
    await models.close()


async def test_several_fields_are_left_out_one_by_one(server: ModelServer) -> None:
    names = ("enable_thinking", "chat_template_kwargs", "stream_options")
    server.answer_with(Refuses({name: _openai(name) for name in names}))
    models = _models(server)
    assert await _text(models.of("qwen-plus")) == "hi"
    assert len(server.requests) == 4
    await models.close()


async def test_tools_without_reasoning_switch_reasoning_off(server: ModelServer) -> None:
    """Unless the operator asked for reasoning: then the tools are left out."""
    refusal = "Function tools with reasoning_effort are not supported for gpt-5.5 in /v1/chat/completions."

    def answers(request: ChatRequest) -> Behaviour:
        sent = json.loads(request.body)
        return Say("hi") if "tools" not in sent or sent.get("reasoning_effort") == "none" else Fail(400, refusal)

    server.answer_with(answers)
    for extra, tools in (({}, True), ({"reasoning_effort": "high"}, False)):
        models = _models(server, **extra)
        assert await _text(models.of("gpt-5.5"), Options(tools=(LOOK,), may_call=True)) == "hi"
        assert (b'"tools"' in server.requests[-1].body) is tools
        await models.close()


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Fail(400, "temperature is out of range"), errors.RequestRefused),
        (Fail(401, "bad key for tools"), errors.WrongKey),
        (Fail(429, "too many requests with tools"), errors.RateLimited),
        (Fail(403, "no access to tools"), errors.NoPermission),
        (Fail(400, "maximum context length is 9 tokens, with tools"), errors.ContextTooLong),
        (Fail(400, "no", code="content_filter"), errors.ContentRefused),
    ],
)
async def test_other_refusals_are_not_tried_again(
    server: ModelServer, refusal: Fail, kind: type[errors.ModelError]
) -> None:
    server.script(refusal)
    models = _models(server)
    with pytest.raises(kind):
        await _text(models.of("qwen-plus"))
    assert len(server.requests) == 1
    await models.close()


@pytest.mark.parametrize(
    "refusal",
    [
        Fail(400, "Failed to call a function. Please adjust your prompt. See 'failed_generation'.", "tool_use_failed"),
        Fail(500, "Failed to parse tool call arguments as JSON: [json.exception.parse_error.101]"),
        Raw(b'data: {"error": {"message": "Failed to parse the tool call", "code": 500}}\n\n'),
    ],
)
async def test_a_call_that_failed_once_loses_no_tools(server: ModelServer, refusal: Fail | Raw) -> None:
    server.script(refusal, Say("hi"), Say("hi"))
    models = _models(server)
    for _ in range(2):
        assert await _text(models.of("qwen-plus"), Options(tools=(LOOK,), may_call=True)) == "hi"
    assert [b'"tools"' in request.body for request in server.requests] == [True, False, True]
    await models.close()


async def test_what_does_not_help_is_not_remembered(server: ModelServer) -> None:
    server.always(_openai("stream_options"))
    models = _models(server)
    model = models.of("qwen-plus")
    with pytest.raises(errors.RequestRefused):
        await _text(model)
    server.always(Say("hi"))
    await _text(model)
    assert b"stream_options" in server.requests[-1].body
    await models.close()


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
