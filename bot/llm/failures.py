"""Translation of model server failures into the error tree.

Unambiguous codes come first, then the message, matched by whole phrases (``wordings``), then the status, which many
servers assign freely: an image sent to a text model gets 400, 404, 422 or 500. Where the status is reliable (401, 402,
408, 429), the message only distinguishes rate limits from missing credit.

Failures may also come inside a stream that began with 200, or in a body in place of an answer.
"""

import json
import re
from collections.abc import Sequence

import httpx2
import openai

from bot import errors
from bot.llm import error_codes, foreign_wordings, media_wordings, wordings
from bot.llm.answer_stream import clean_text
from bot.llm.error_bodies import ErrorDetails, decode_body, details_in
from bot.llm.error_codes import Kind
from bot.llm.interface import Image, Sound
from bot.llm.lenient import Object, mapping
from bot.llm.retrying import retry_after, wait_in
from bot.llm.wordings import any_of, prompt_limit_in

DASHSCOPE = "dashscope.aliyuncs.com"
_MODEL_STUDIO = re.compile(r"(?:^|\.)(?:dashscope[\w-]*|(?:[\w-]+\.)*maas)\.aliyuncs\.com$")
_SAYS_MODEL_STUDIO = re.compile(r"dashscope|aliyun|alibabacloud|model-studio")
_GEMINI = re.compile(r"ai\.google\.dev|googleapis\.com|generate_content_|generativelanguage")
_WORDS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (media_wordings.TOO_MANY, errors.TooManyImages),
    (
        any_of(media_wordings.DEAF + foreign_wordings.DEAF),
        errors.CannotHear,
    ),  # before BLIND: llama.cpp mentions its projector for both
    (any_of(media_wordings.BLIND + foreign_wordings.BLIND), errors.CannotSee),
    (any_of(media_wordings.IMAGE), errors.ImageRefused),
    (any_of(media_wordings.SOUND), errors.MediaRefused),
    (any_of(wordings.TOO_LONG + foreign_wordings.TOO_LONG), errors.ContextTooLong),
    (
        any_of(wordings.NO_SUCH_MODEL),
        errors.NoPermission,
    ),  # before REFUSED: an account may be blocked for violating terms
    (any_of(wordings.REFUSED + foreign_wordings.REFUSED), errors.ContentRefused),
)
_STATUS = re.compile(r"(?:http)?[ _-]?([45][0-9]{2})(?:[^0-9].*)?")
_NO_CREDIT = any_of(wordings.NO_CREDIT)
_QUOTA = any_of(wordings.QUOTA)
_RATE = any_of(wordings.RATE)
_BUSY = re.compile(r"负载已?饱和|稍[后候][再重]?试|\boverloaded\b|\brate[ _-]?limit(?:ed)?\b")
_WRONG_KEY = any_of(wordings.WRONG_KEY)
_TEXT_ONLY = any_of(media_wordings.TEXT_ONLY)
_ANSWER_LENGTH = any_of(wordings.ABOUT_THE_ANSWER)
_QUOTED = re.compile(
    r"(?<!\w)'(?=\S)(?:[^']|(?<=\w)'(?=\w))*'(?!\w)|\"[^\"]*\"|`[^`]*`|\u201c[^\u201d]*\u201d|\u00ab[^\u00bb]*\u00bb|\u300c[^\u300d]*\u300d"
)
_ANSWER = ("choices", "usage", "response", "output", "delta", "item", "part")
"""An object with one of these keys is not a bare failure, whatever else it contains."""
_CODES = ("code", "status_code", "error_code", "status")


def translate(exc: openai.OpenAIError | httpx2.HTTPError, *, streaming: bool) -> errors.ModelError:
    """The ModelError for an exception of the HTTP client; its text has the details for the log.

    `streaming`: the answer had begun, so a lost connection is a StreamCut rather than an unreachable server.
    """
    name = type(exc).__name__
    if isinstance(exc, openai.APITimeoutError) and isinstance(exc.__cause__, httpx2.ConnectTimeout):
        return mark_unreached(errors.ServerTrouble(f"{name}: no connection in time"))
    if isinstance(exc, openai.APITimeoutError):
        return mark_unreached(errors.NoAnswerInTime(f"{name}: {exc}"))
    if isinstance(exc, openai.APIConnectionError):
        return (
            errors.StreamCut(f"{name}: {exc}") if streaming else mark_unreached(errors.ServerTrouble(f"{name}: {exc}"))
        )
    if not isinstance(exc, openai.APIError):
        return errors.StreamCut(f"{name}: {exc}")
    if not isinstance(exc, openai.APIStatusError):
        return _classify(None, details_in(exc.body, exc.message), host=exc.request.url.host, name=name)
    try:  # the whole body: openai's client keeps only the value of `error`
        content = exc.response.content
    except Exception:  # noqa: BLE001 - it was never read, or a test has none
        content = b""
    found = details_in(exc.body, decode_body(content) if content else None)
    error = _classify(exc.status_code, found, host=exc.request.url.host, name=name)
    error.request_id = exc.request_id or ""
    error.retry_after = retry_after(exc.response.headers)
    return error


def failure_in_place_of_answer(body: object, *, host: str) -> errors.ModelError:
    """The ModelError for an error object sent in place of an answer, in a stream or a 200 response."""
    return _classify(None, details_in(body), host=host)


def dashscope_failure(
    status: int, code: str | None, message: str, *, streaming: bool, host: str = DASHSCOPE
) -> errors.ModelError:
    """The ModelError for a failure in DashScope's format, which has a code besides the status.

    In a stream the status is meaningless: the SDK turns every failure into a 400.
    """
    found = details_in({"code": code, "message": message})
    return _classify(None if streaming else status, found, host=host)


def failure_of_body(status: int, content: bytes, host: str) -> errors.ModelError:
    """The ModelError for an error response with this body."""
    return _classify(status, details_in(decode_body(content)), host=host)


def _classify(status: int | None, found: ErrorDetails, *, host: str, name: str = "") -> errors.ModelError:
    """`status` is None if the failure came in a stream; its code may then be a status."""
    in_stream = status is None
    if status is None:
        status = next((int(match[1]) for code in found.codes if (match := _STATUS.fullmatch(code))), None)
    kind = _kind(status, found, host)
    if kind is errors.ServerTrouble and in_stream and status is not None:
        kind = errors.StreamCut  # an answer that broke off is requested again
    said = found.everything or "nothing"
    about = ", ".join((*([f"status {status}"] if status else ()), *(f"code {code}" for code in found.codes)))
    error = kind(f"{name + ': ' if name else ''}{said}{f' ({about})' if about else ''}")
    error.status = status
    error.fields = " ".join(found.fields)
    error.wait_s = wait_in(found)
    if isinstance(error, errors.ContextTooLong):
        error.limit = found.window or prompt_limit_in(_unquoted(found.words.lower()))
    if isinstance(error, errors.TooManyImages):
        error.most = media_wordings.picture_limit_in(found.words.lower())
    return error


def mark_unreached(error: errors.ModelError) -> errors.ModelError:
    """Mark the error as one of a server that was unreachable or silent."""
    error.reached = False
    return error


def _kind(status: int | None, found: ErrorDetails, host: str) -> Kind:
    words = found.words.lower()
    said = _unquoted(words)
    codes = list(found.codes)
    match status:
        case 401:
            return errors.NoCredit if _NO_CREDIT.search(said) else errors.WrongKey
        case 402:
            return errors.NoCredit
        case 408:
            return errors.NoAnswerInTime
        case 429:
            return errors.NoCredit if _is_money(said, codes, host, found) else errors.RateLimited
        case 451:
            return errors.ContentRefused
    if _is_money(said, codes, host, found):
        return errors.NoCredit
    return (
        _kind_by_codes(codes, error_codes.CERTAIN)
        or _kind_by_words(said)
        or (errors.CannotSee if _wants_plain_content(said, found) else None)
        or _kind_by_codes(codes, error_codes.WEAK)
        or (_kind_by_codes(codes, error_codes.VAGUE) if status is None or status >= 500 else None)
        or _kind_by_status(status)
    )


def _is_money(said: str, codes: Sequence[str], host: str, found: ErrorDetails) -> bool:
    """Whether the account is out of credit, as opposed to over its rate limit."""
    if _NO_CREDIT.search(said):
        return True
    if _BUSY.search(said):  # gateways send it with codes that mean something else elsewhere
        return False
    if _kind_by_codes(codes, error_codes.CERTAIN) is errors.NoCredit:
        return True
    quota = _QUOTA.search(said) or any(code.startswith("insufficient_quota") for code in codes)
    if not quota or wait_in(found) is not None or any("resource_exhausted" in code for code in codes):
        return False
    by_the_minute = _MODEL_STUDIO.search(host) or _SAYS_MODEL_STUDIO.search(said) or _GEMINI.search(f"{host} {said}")
    return not by_the_minute and not re.search(
        r"allocated quota|per (?:minute|day|second|hour)|\b(?:daily|hourly|requests?|tokens?|rate) quota",
        found.words.lower(),
    )


def _kind_by_codes(codes: Sequence[str], kinds: Sequence[tuple[str, Kind]]) -> Kind | None:
    """The kind of error that a code alone identifies."""
    return next((kind for beginning, kind in kinds for code in codes if _begins(code, beginning)), None)


def _begins(code: str, beginning: str) -> bool:
    return code == beginning if beginning.isdecimal() else code.startswith(beginning)


def _wants_plain_content(said: str, found: ErrorDetails) -> bool:
    """Whether a validating server rejects content parts; FastAPI reports the field's location."""
    return "should be a valid string" in said and "content" in found.fields


def _kind_by_words(said: str) -> Kind | None:
    if _RATE.search(said) or _QUOTA.search(said):  # missing credit was ruled out before
        return errors.RateLimited
    if _WRONG_KEY.search(said):
        return errors.WrongKey
    kind = next((kind for pattern, kind in _WORDS if pattern.search(said)), None)
    if kind is errors.ContextTooLong and _ANSWER_LENGTH.search(said):
        return None
    if kind is None and _TEXT_ONLY.search(said) and "response_format" not in said:
        return errors.CannotSee
    return kind


def _kind_by_status(status: int | None) -> Kind:
    match status:
        case None:
            return errors.StreamCut
        case 403 | 404:
            return errors.NoPermission
        case 413:
            return errors.TooManyBytes
        case status if status >= 500:
            return errors.ServerTrouble
    return errors.RequestRefused


def _unquoted(words: str) -> str:
    """Remove quoted text, because some servers repeat the prompt.

    A quoted name such as `image_url` stays, and so does a message that is quoted as a whole.
    """
    bare = _QUOTED.sub(lambda match: match[0] if not re.search(r"\w\s+\w", match[0]) else " ... ", words)
    return " ".join(bare.split()) if re.search(r"[^\W\d_]", bare) else words


def failure_in(data: Object, name: str = "", host: str = "") -> errors.ModelError | None:
    """The failure that an event reports, or None; `name` is the event's name."""
    error = data.get("error")
    if error and not isinstance(error, bool):
        return failure(data, host)
    if "error" in (name, data.get("type"), data.get("object")):
        return failure(data, host)
    base = mapping(data.get("base_resp"))  # MiniMax
    if base.get("status_code"):
        return failure(base, host)
    if any(data.get(key) for key in _ANSWER):
        return None
    if data.get("detail") or data.get("errors") or data.get("error_msg"):
        return failure(data, host)
    if (data.get("message") or data.get("msg")) and any(code in data for code in _CODES):
        return failure(data, host)
    return None


def failure(error: object, host: str = "") -> errors.ModelError:
    """The ModelError for an ``error`` value: an object, or whatever the server put in its place."""
    return failure_in_place_of_answer(json.loads(clean_text(json.dumps(error, ensure_ascii=False))), host=host)


def correct_by_media(error: errors.ModelError, sent: set[type]) -> errors.ModelError:
    """Correct the kind by what was sent: text-only servers use the same message for pictures and sounds."""
    if isinstance(error, errors.CannotSee) and Image not in sent and Sound in sent:
        return as_kind(error, errors.CannotHear)
    if isinstance(error, errors.CannotHear) and Sound not in sent and Image in sent:
        return as_kind(error, errors.CannotSee)
    return error


def as_kind(error: errors.ModelError, kind: type[errors.ModelError]) -> errors.ModelError:
    """The same error as another class."""
    made = kind(*error.args)
    made.__dict__.update(error.__dict__)
    return made
