"""The failures of servers told apart, in the words that the servers have for them."""

import json
from functools import cache

import httpx2
import openai
import pytest

from bot import errors
from bot.llm.error_bodies import MOST_CHARACTERS
from bot.llm.failures import dashscope_failure, failure_in_place_of_answer, translate
from bot.llm.retrying import is_passing
from tests.llm.foreign_phrases import FOREIGN, NEITHER
from tests.llm.phrases import PHRASES
from tests.llm.refusals import DASHSCOPE, OPENAI, Refusal, refusals


@cache
def _client() -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key="key")


def _translate(status: int, content: bytes, url: str = OPENAI) -> errors.ModelError:
    request = httpx2.Request("POST", f"{url}/chat/completions")
    response = httpx2.Response(status, content=content, request=request)
    return translate(_client()._make_status_error_from_response(response), streaming=False)


@pytest.mark.parametrize("refusal", list(refusals()), ids=lambda one: f"{one.kind.__name__}-{one.status}")
def test_each_server_is_understood_in_its_own_words(refusal: Refusal) -> None:
    error = _translate(refusal.status, refusal.content, refusal.url)
    assert type(error) is refusal.kind, str(error)
    assert len(str(error)) < MOST_CHARACTERS + 500


@pytest.mark.parametrize("kind", list(PHRASES), ids=lambda kind: kind.__name__)
def test_phrases_decide_where_the_status_does_not(kind: type[errors.ModelError]) -> None:
    for phrase in PHRASES[kind].strip().splitlines():
        for status in (400, 422):
            error = _translate(status, json.dumps({"error": {"message": phrase}}).encode())
            assert type(error) is kind, str(error)


@pytest.mark.parametrize("kind", list(FOREIGN), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("status", [400, 500])
def test_other_languages_are_understood_too(kind: type[errors.ModelError], status: int) -> None:
    for phrase in FOREIGN[kind].strip().splitlines():
        error = _translate(status, json.dumps({"error": {"message": phrase}}).encode())
        assert type(error) is kind, str(error)


def test_talk_of_pictures_and_lengths_decides_nothing() -> None:
    for phrase in NEITHER.strip().splitlines():
        error = _translate(400, json.dumps({"error": {"message": phrase}}).encode())
        assert not isinstance(error, errors.CannotSee | errors.CannotHear | errors.ContextTooLong), str(error)


@pytest.mark.parametrize("status", [401, 402, 408, 429])
def test_a_status_that_says_enough_is_not_reread(status: int) -> None:
    for kind in FOREIGN:
        for phrase in FOREIGN[kind].strip().splitlines():
            assert type(_translate(status, json.dumps({"error": {"message": phrase}}).encode())) is not kind, phrase


def test_a_form_without_content_parts_is_blind() -> None:
    detail = {
        "type": "string_type",
        "loc": ["body", "messages", 0, "content", "str"],
        "msg": "Input should be a valid string",
    }
    assert type(_translate(422, json.dumps({"detail": [detail]}).encode())) is errors.CannotSee


def test_words_are_read_from_every_form() -> None:
    words = "prompt is too long: 9 tokens > 8 maximum"
    inner = json.dumps({"error": {"message": words}})
    forms = [
        {"error": {"message": words}},
        [{"error": {"message": words}}],
        {"error": words},
        {"error": [words]},
        {"detail": words},
        {"detail": [{"msg": words, "loc": ["body"]}]},
        {"message": {"detail": words}},
        {"message": {"detail": [{"msg": words}]}},
        {"errors": [words]},
        {"errors": [{"message": words}]},
        {"object": "error", "message": words},
        {"type": "error", "error": {"type": "x", "message": words}},
        {"error": {"message": "Provider returned error", "metadata": {"raw": inner}}},
        {"error": {"message": f"litellm.BadRequestError: XException - {inner}"}},
        {"error": {"message": f"Error code: 400 - {{'error': {{'message': '{words}', 'code': None}}}}"}},
        {"error": {"message": f"b'{inner}'"}},
        {"base_resp": {"status_msg": words}},
        {"error_msg": words},
        {"Message": words},
        {"unheard_of": words},
        words,
        f"data: {inner}",
    ]
    for form in forms:
        content = form if isinstance(form, str) else json.dumps(form)
        error = _translate(400, content.encode())
        assert (type(error), words in str(error)) == (errors.ContextTooLong, True), form


@pytest.mark.parametrize("code", [429, "429", None, "RESOURCE_EXHAUSTED", ["x"], {"a": 1}, True, 1.5])
@pytest.mark.parametrize("message", ["busy", None, 3, ["busy"], {"text": "busy"}])
def test_codes_and_messages_may_be_anything(code: object, message: object) -> None:
    content = json.dumps({"error": {"code": code, "message": message, "type": code}}).encode()
    assert type(_translate(429, content)) is errors.RateLimited


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"0",
        b"\xff\xfe\x00broken",
        "Ошибка".encode("cp1251"),
        b"[" * 100_000,
        b'{"error":' * 50_000,
        json.dumps({"error": {"message": "{" * 50_000}}).encode(),
        json.dumps({"error": {"message": "x " * 500_000}}).encode(),
        json.dumps({"error": [{"message": str(number)} for number in range(50_000)]}).encode(),
        b"<html>" + b"<p" * 300_000,
        b"'a b" * 200_000,
    ],
    ids=lambda content: f"{len(content)} bytes",
)
def test_a_body_of_any_kind_is_bounded(content: bytes) -> None:
    error = _translate(400, content)
    assert type(error) is errors.RequestRefused
    assert len(str(error)) < MOST_CHARACTERS + 500
    assert "\n" not in str(error)


def test_half_a_character_can_be_logged() -> None:
    body = b'{"error": {"message": "no \\ud83d \\u001b[31m", "code": "x\\ud83d"}}'
    logged = str(_translate(400, body))
    assert logged.encode()
    assert "\x1b" not in logged


def test_log_contains_no_secret_and_no_data() -> None:
    image, key = "A" * 5000, "sk-proj-0123456789abcdef"
    said = f"Bad image data:image/png;base64,{image} with Authorization: Bearer abcdef0123456789 and {key}"
    logged = str(_translate(400, json.dumps({"error": {"message": said}}).encode()))
    assert "Bad image" in logged
    assert not any(secret in logged for secret in (image, "abcdef0123456789", key))


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please retry in 17.3s.", 17.3),
        ("Please try again in 1m2.5s. Need more?", 62.5),
        ("Please try again in 620ms.", 0.62),
        ("Try again in about 5 minutes.", 300.0),
        ("Please retry after 6 seconds.", 6.0),
        ("please try again after 1 minute", 60.0),
        ("Please wait 30 seconds before trying again.", 30.0),
        ("Too fast. Retry-After: 5", 5.0),
        ("try again in a minute", 60.0),
        ("try again in 1 day", 86_400.0),
        ("请在 10 秒后重试", 10.0),
        ("Повторите попытку через 10 секунд", 10.0),
        ("Retry after 2026-12-01", None),
        ("Try again later.", None),
        ("Limit 30000, used 29000.", None),
    ],
)
def test_a_server_says_when_to_come_back(words: str, seconds: float | None) -> None:
    assert _translate(429, json.dumps({"error": {"message": words}}).encode()).wait_s == seconds


def test_an_event_has_its_status_as_a_code() -> None:
    kinds = {
        ("429", "Provider returned error"): errors.RateLimited,
        ("400", "prompt is too long"): errors.ContextTooLong,
        ("502", "Provider returned error"): errors.StreamCut,
        ("429 Too Many Requests", "x"): errors.RateLimited,
        ("HTTP_401", "x"): errors.WrongKey,
        ("too_many_requests", "x"): errors.RateLimited,
        ("unauthorized", "x"): errors.WrongKey,
        ("permission_denied", "x"): errors.NoPermission,
        ("insufficient_credits", "x"): errors.NoCredit,
        ("server_error", "oops"): errors.ServerTrouble,
        ("500", "image input is not supported"): errors.CannotSee,
        (None, "whatever"): errors.StreamCut,
        ("content_filter", ""): errors.ContentRefused,
    }
    for (code, message), kind in kinds.items():
        failure = failure_in_place_of_answer({"code": code, "message": message}, host="")
        assert type(failure) is kind, (code, message)


def test_dashscope_quota_per_minute_is_rate_limit() -> None:
    """OpenAI uses the same code when there is no credit."""
    said = "You exceeded your current quota, please check your plan and billing details."
    assert type(dashscope_failure(429, "insufficient_quota", said, streaming=False)) is errors.RateLimited
    assert type(dashscope_failure(403, "AllocationQuota.FreeTierOnly", "x", streaming=False)) is errors.NoCredit
    content = json.dumps({"error": {"message": said, "code": "insufficient_quota"}}).encode()
    assert type(_translate(429, content, DASHSCOPE)) is errors.RateLimited
    assert type(_translate(429, content, OPENAI)) is errors.NoCredit


@pytest.mark.parametrize(
    ("cause", "kind", "again"),
    [(httpx2.ConnectTimeout, errors.ServerTrouble, True), (httpx2.ReadTimeout, errors.NoAnswerInTime, False)],
)
def test_who_takes_no_connection_is_tried_again(
    cause: type[httpx2.TimeoutException], kind: type[errors.ModelError], *, again: bool
) -> None:
    timeout = openai.APITimeoutError(request=httpx2.Request("POST", OPENAI))
    timeout.__cause__ = cause("late")
    error = translate(timeout, streaming=False)
    assert type(error) is kind
    assert not error.reached
    assert is_passing(error) is again
