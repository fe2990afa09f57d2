"""The failures of model servers told apart: from the openai client's exceptions to our error tree.

Status codes are the first guide. Where servers share a code, the words of their messages decide: the kinds and the
wordings are those that DashScope, OpenAI, DeepSeek and vLLM document for their errors.
"""

import openai

from bot import errors

_NO_CREDIT = ("arrearage", "insufficient_quota", "insufficient balance", "exceeded your current quota", "overdue")
_TOO_LONG = (
    "maximum context length",
    "context_length_exceeded",
    "range of input length",
    "too many tokens",
    "context window",
    "context size",
    "prompt is too long",
    "input is too long",
)
_REFUSED = (
    "data_inspection_failed",
    "datainspectionfailed",
    "content_filter",
    "content_policy",
    "inappropriate content",
)
_BLIND = (
    "unknown variant `image_url`",
    "support image",
    "support vision",
    "support multimodal",
    "not a multimodal",
    "no multimodal",
    "image input is not",
    "only text",
    "image_url is only supported",
    "is not a vision",
    "mmproj",
)
_DEAF = ("unknown variant `input_audio`", "support audio", "audio input is not", "does not support input_audio")
_IMAGE = ("image", "multimodal")
_CODES = (
    ("rate_limit_exceeded", errors.RateLimited),
    ("server_error", errors.ServerTrouble),
    # DashScope, "Error codes".
    ("throttling", errors.RateLimited),
    ("internalerror", errors.ServerTrouble),
    ("systemerror", errors.ServerTrouble),
    ("modelserving", errors.ServerTrouble),
    ("modelunavailable", errors.ServerTrouble),
    ("requesttimeout", errors.NoAnswerInTime),
    ("invalidapikey", errors.WrongKey),
    ("arrearage", errors.NoCredit),
    ("modelnotfound", errors.NoPermission),
    ("accessdenied", errors.NoPermission),
    ("model.accessdenied", errors.NoPermission),
    ("datainspectionfailed", errors.ContentRefused),
)


def translate(exc: openai.OpenAIError, *, streaming: bool) -> errors.ModelError:
    """The ModelError for an exception of the client; its text holds the details for the log.

    `streaming`: the answer had begun, so a lost connection is a cut stream and not a server that can't be reached.
    """
    details = f"{type(exc).__name__}: {exc}"
    if isinstance(exc, openai.APITimeoutError):
        return errors.NoAnswerInTime(details)
    if isinstance(exc, openai.APIConnectionError):
        return errors.StreamCut(details) if streaming else errors.ServerTrouble(details)
    if isinstance(exc, openai.APIError):
        details += f" (code {exc.code}, type {exc.type})"
    words = details.lower()
    if isinstance(exc, openai.APIStatusError):
        error = _of_status(exc.status_code, words)(details)
        error.request_id = exc.request_id or ""
        return error
    code = exc.code if isinstance(exc, openai.APIError) else None
    return (_of_code(code) or _of_words(words) or errors.StreamCut)(details)


def of_event(code: str | None, message: str) -> errors.ModelError:
    """The ModelError for a failure that the stream of an answer tells of."""
    details = f"{message} (code {code})"
    return (_of_code(code) or _of_words(details.lower()) or errors.StreamCut)(details)


def of_response(status: int, code: str | None, message: str, *, streaming: bool) -> errors.ModelError:
    """The ModelError for a failure in DashScope's own form, which has a code of its own beside the status.

    In a stream the status says nothing: the SDK makes every failure there a 400.
    """
    if streaming:
        return of_event(code, message)
    details = f"{message} (status {status}, code {code})"
    words = details.lower()
    return (_of_code(code) or _of_status(status, words))(details)


def _of_code(code: str | None) -> type[errors.ModelError] | None:
    """What a code alone tells; the text of an error is no guide where its code is one of these."""
    return next((kind for beginning, kind in _CODES if (code or "").lower().startswith(beginning)), None)


def _of_status(status: int, words: str) -> type[errors.ModelError]:
    match status:
        case 401:
            return errors.WrongKey
        case 402:
            return errors.NoCredit
        case 403 | 404:
            kinds = ((_NO_CREDIT, errors.NoCredit), (_BLIND, errors.CannotSee), (_DEAF, errors.CannotHear))
            return next((kind for needles, kind in kinds if _has(words, needles)), errors.NoPermission)
        case 413:
            return errors.TooManyBytes
        case 429:
            return errors.NoCredit if _has(words, _NO_CREDIT) else errors.RateLimited
        case 408:
            return errors.NoAnswerInTime
        case status if status >= 500:
            return errors.ServerTrouble
    return _of_words(words) or errors.RequestRefused


def _of_words(words: str) -> type[errors.ModelError] | None:
    kinds: tuple[tuple[tuple[str, ...], type[errors.ModelError]], ...] = (
        (_NO_CREDIT, errors.NoCredit),
        (_TOO_LONG, errors.ContextTooLong),
        (_REFUSED, errors.ContentRefused),
        (_DEAF, errors.CannotHear),
        (_BLIND, errors.CannotSee),
        (_IMAGE, errors.ImageRefused),
    )
    return next((kind for needles, kind in kinds if _has(words, needles)), None)


def _has(words: str, needles: tuple[str, ...]) -> bool:
    return any(needle in words for needle in needles)
