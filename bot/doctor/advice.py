"""Explains model failures to the operator, and says what to do about them."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot import errors
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class ModelVariables:
    """The names of the settings for a model, its server's URL and its key."""

    model: str
    url: str
    key: str


def main(settings: Settings) -> ModelVariables:
    """The settings of the main model."""
    if settings.llm_api == "dashscope":
        key = "OPENAI_API_KEY" if settings.dashscope_api_key is None else "DASHSCOPE_API_KEY"
        return ModelVariables("OPENAI_MODEL", "DASHSCOPE_BASE_URL", key)
    key = "OPENAI_API_KEY" if settings.openai_api_key is not None else "DASHSCOPE_API_KEY"
    return ModelVariables("OPENAI_MODEL", "OPENAI_BASE_URL", key)


FALLBACK = ModelVariables(
    "FALLBACK_MODEL (or FALLBACK_MODELS)",
    "FALLBACK_BASE_URL (or its base_url in the file of MODEL_PROFILES)",
    "FALLBACK_API_KEY (or its api_key in the file of MODEL_PROFILES)",
)
EMBEDDING = ModelVariables("EMBEDDING_MODEL", "EMBEDDING_BASE_URL", "EMBEDDING_API_KEY")
TRANSCRIPTION = ModelVariables("TRANSCRIPTION_MODEL", "TRANSCRIPTION_BASE_URL", "TRANSCRIPTION_API_KEY")

_KINDS: dict[type[errors.ModelError], str] = {
    errors.WrongKey: "the server rejects the key",
    errors.NoPermission: "there is no such model or address, or this key isn't allowed to use it",
    errors.NoCredit: "the account is out of credit",
    errors.RateLimited: "the server asks for fewer requests",
    errors.ContextTooLong: "the server says the prompt is too long",
    errors.ContentRefused: "the server's content filter refused it",
    errors.NoAnswerInTime: "the server didn't answer in time",
    errors.StreamCut: "the connection broke in the middle of the answer",
    errors.BudgetSpent: "it was not asked",
}
_WHAT_TO_DO: dict[type[errors.ModelError], str] = {
    errors.WrongKey: "{key}: copy it again, and check that {url} is the provider and region it comes from.",
    errors.NoPermission: "{model}: check that the server has a model of exactly this name, and that this key may use "
    "it. If it's the address: {url} usually ends with /v1.",
    errors.NoCredit: "Top up the account with the provider, or raise its limit.",
    errors.RateLimited: "Try again in a minute. If it keeps happening, ask the provider for a higher limit.",
    errors.ContentRefused: "The question was harmless: try again. If it keeps happening, check the filter's "
    "settings with the provider, or use another model ({model}).",
    errors.ServerTrouble: "The server itself reports a problem: check its log, or try again later.",
    errors.NoAnswerInTime: "Check that {url} is right. If the model was still loading, try again.",
    errors.StreamCut: "Try again. If it keeps happening, look for a proxy that closes connections to the server.",
    errors.RequestRefused: "{model}: check that it is the right kind of model, and that the server accepts everything "
    "it is sent (LLM_EXTRA_BODY, the MODEL_PROFILES file).",
}
_UNREACHED: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("wrong_version", "wrong version", "record layer", "unknown protocol", "http_request"),
        "{url}: the server does not speak TLS there. Use http:// instead of https://, or the port that has TLS.",
    ),
    (
        ("certificate", "ssl", "tls"),
        "{url}: this machine does not trust the server's certificate. Check the name in the address and the clock of "
        "this machine. To trust a certificate of your own, set SSL_CERT_FILE.",
    ),
    (
        ("name or service", "nodename", "name resolution", "getaddrinfo", "idna", "resolve"),
        "{url}: there is no host of that name, or this machine can't resolve names.",
    ),
    (
        ("disconnected without", "illegal", "protocol error"),
        "{url}: what answers there does not speak proper HTTP. Check the port, and use https:// if it expects TLS.",
    ),
    (
        ("refused",),
        "{url}: nothing answers at that address and port. Check that the server is running and listens there.",
    ),
    (("redirect", "unsupported protocol"), "{url}: the server redirects to another address. Use that one."),
)
"""Advice by fragments of the connection error, in lower case."""
_REACH = "Check that the server is running, that {url} is its address, and that no proxy or firewall blocks it."
_ELSE = "Nothing more is known than what the server said. Its documentation may help."
NO_STREAM = (
    "The bot needs a server that streams (server-sent events). Check that {url} is the API's address, which usually "
    "ends with /v1, and that no proxy buffers answers."
)


def kind(error: errors.ModelError) -> str:
    """The failure in a few words."""
    if isinstance(error, errors.ServerTrouble):
        return "the server has a problem" if error.reached else "the server can't be reached"
    return next((text for known, text in _KINDS.items() if isinstance(error, known)), "the server rejects the request")


def explain(error: errors.ModelError) -> str:
    """The failure with its details, including the cause of a failed connection."""
    causes = [] if error.reached else [text for text in _causes(error) if text not in str(error)]
    known = "; ".join(filter(None, (str(error), causes[-1] if causes else "")))
    return f"{kind(error)} ({known})" if known else kind(error)


def what_to_do(error: errors.ModelError, variables: ModelVariables) -> str:
    """Advice that names the settings to change."""
    if isinstance(error, errors.ServerTrouble) and not error.reached:
        words = " ".join((str(error), *_causes(error))).lower()
        text = next((text for signs, text in _UNREACHED if any(sign in words for sign in signs)), _REACH)
    else:
        text = next((text for known, text in _WHAT_TO_DO.items() if isinstance(error, known)), _ELSE)
    return filled(text, variables)


def filled(text: str, variables: ModelVariables) -> str:
    """The text with the names of the settings filled in."""
    return text.format(model=variables.model, url=variables.url, key=variables.key)


def _causes(error: BaseException) -> Iterator[str]:
    """The messages of the exceptions that caused this one, the root cause last."""
    seen: set[int] = set()
    cause = error.__cause__ or error.__context__
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield " ".join(str(cause).split())
        cause = cause.__cause__ or cause.__context__
