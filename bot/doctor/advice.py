"""What a model's failure is called, and what it asks of whoever runs the bot."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot import errors
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Variables:
    """The settings that say which model is meant, where it is, and by which key."""

    model: str
    url: str
    key: str


def main(settings: Settings) -> Variables:
    """Those of the main model."""
    if settings.llm_api == "dashscope":
        key = "OPENAI_API_KEY" if settings.dashscope_api_key is None else "DASHSCOPE_API_KEY"
        return Variables("OPENAI_MODEL", "DASHSCOPE_BASE_URL", key)
    key = "OPENAI_API_KEY" if settings.openai_api_key is not None else "DASHSCOPE_API_KEY"
    return Variables("OPENAI_MODEL", "OPENAI_BASE_URL", key)


FALLBACK = Variables(
    "FALLBACK_MODEL (or FALLBACK_MODELS)",
    "FALLBACK_BASE_URL (or its base_url in the file of MODEL_PROFILES)",
    "FALLBACK_API_KEY (or its api_key in the file of MODEL_PROFILES)",
)
EMBEDDING = Variables("EMBEDDING_MODEL", "EMBEDDING_BASE_URL", "EMBEDDING_API_KEY")
TRANSCRIPTION = Variables("TRANSCRIPTION_MODEL", "TRANSCRIPTION_BASE_URL", "TRANSCRIPTION_API_KEY")

_KINDS: dict[type[errors.ModelError], str] = {
    errors.WrongKey: "the server refuses the key",
    errors.NoPermission: "there is no such model or no such address, or the key may not use it",
    errors.NoCredit: "the account is out of credit",
    errors.RateLimited: "the server asks to slow down",
    errors.ContextTooLong: "the server finds the prompt too long",
    errors.ContentRefused: "the server's content filter refused it",
    errors.NoAnswerInTime: "the server does not answer in time",
    errors.StreamCut: "the answer broke off",
    errors.BudgetSpent: "it was not asked",
}
_WHAT_TO_DO: dict[type[errors.ModelError], str] = {
    errors.WrongKey: "{key}: copy it anew, and see that {url} is the provider, and the region, that gave it out.",
    errors.NoPermission: "{model}: see that the server has it under this very name, and that this key may use it. If "
    "the address is to blame: {url} mostly ends with /v1.",
    errors.NoCredit: "Top up the account at the provider, or raise its limit.",
    errors.RateLimited: "Try again in a minute; if it stays, ask the provider for more.",
    errors.ContentRefused: "The question was harmless: try again; if it stays, see the filter's settings at the "
    "provider, or take another model ({model}).",
    errors.ServerTrouble: "The server itself says that it has trouble: see its log, or try again later.",
    errors.NoAnswerInTime: "See that {url} is right. A model that is still being loaded needs another try.",
    errors.StreamCut: "Try again; if it stays, look for a proxy between here and the server that ends connections.",
    errors.RequestRefused: "{model}: see that it is the right one for this, and that the server takes all that it is "
    "sent (LLM_EXTRA_BODY, the file of MODEL_PROFILES).",
}
_UNREACHED: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("wrong_version", "wrong version", "record layer", "unknown protocol", "http_request"),
        "{url}: the server speaks no TLS there; begin it with http:// instead of https://, or take the port that has "
        "TLS.",
    ),
    (
        ("certificate", "ssl", "tls"),
        "{url}: this machine does not trust the server's certificate. See the name in the address and the clock of "
        "this machine; a certificate of your own is trusted by SSL_CERT_FILE.",
    ),
    (
        ("name or service", "nodename", "name resolution", "getaddrinfo", "idna", "resolve"),
        "{url}: there is no host of that name, or this machine can't look names up.",
    ),
    (
        ("disconnected without", "illegal", "protocol error"),
        "{url}: what is there does not speak HTTP as a server should. See the port; begin the address with https:// if "
        "it wants TLS.",
    ),
    (("refused",), "{url}: nothing answers at that address and port. See that the server runs, and listens there."),
    (("redirect", "unsupported protocol"), "{url}: the server sends on to another address; set that one."),
)
"""By words of what the connection failed with, in small letters."""
_REACH = "See that the server runs, that {url} is its address, and that this machine reaches it (a proxy, a firewall?)."
_ELSE = "What the server said is all that is known; its documentation may say more."
NO_STREAM = (
    "The bot needs a server that streams (server-sent events). See that {url} is the interface's address, which mostly "
    "ends with /v1, and that no proxy holds answers back."
)


def kind(error: errors.ModelError) -> str:
    """The failure in words for whoever runs the bot."""
    if isinstance(error, errors.ServerTrouble):
        return "the server is in trouble" if error.reached else "the server can't be reached"
    return next((text for known, text in _KINDS.items() if isinstance(error, known)), "the server refuses the request")


def told(error: errors.ModelError) -> str:
    """The failure, and what is known of it: also why there is no connection, which stands behind the error."""
    causes = [] if error.reached else [text for text in _causes(error) if text not in str(error)]
    known = "; ".join(filter(None, (str(error), causes[-1] if causes else "")))
    return f"{kind(error)} ({known})" if known else kind(error)


def what_to_do(error: errors.ModelError, variables: Variables) -> str:
    """A sentence that names what to set."""
    if isinstance(error, errors.ServerTrouble) and not error.reached:
        words = " ".join((str(error), *_causes(error))).lower()
        text = next((text for signs, text in _UNREACHED if any(sign in words for sign in signs)), _REACH)
    else:
        text = next((text for known, text in _WHAT_TO_DO.items() if isinstance(error, known)), _ELSE)
    return filled(text, variables)


def filled(text: str, variables: Variables) -> str:
    """With the names of the settings."""
    return text.format(model=variables.model, url=variables.url, key=variables.key)


def _causes(error: BaseException) -> Iterator[str]:
    """What each error behind this one says, the deepest last."""
    seen: set[int] = set()
    cause = error.__cause__ or error.__context__
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield " ".join(str(cause).split())
        cause = cause.__cause__ or cause.__context__
