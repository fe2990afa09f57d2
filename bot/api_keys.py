"""Which key goes to which server: only to the one that it was given for."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

_PORTS = {"http": 80, "https": 443}
_DASHSCOPE = re.compile(
    r"(?:[a-z0-9-]+\.)*dashscope(?:-[a-z0-9-]+)?(?:\.[a-z0-9-]+\.privatelink)?\.aliyuncs\.com"
    r"|(?:[a-z0-9-]+\.)+maas\.aliyuncs\.com"
)
"""Model Studio's own hosts. Others below aliyuncs.com belong to customers: buckets, machines, functions."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Who gives out keys of a form of its own."""

    name: str
    forms: tuple[str, ...]
    """How they begin."""
    domains: tuple[str, ...]
    url: str
    """Where its OpenAI-compatible interface is."""


_OPENAI = Provider(
    "OpenAI", ("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"), ("openai.com",), "https://api.openai.com/v1"
)
_PROVIDERS = (
    _OPENAI,
    Provider("Anthropic", ("sk-ant-",), ("anthropic.com",), "https://api.anthropic.com/v1"),
    Provider("OpenRouter", ("sk-or-",), ("openrouter.ai",), "https://openrouter.ai/api/v1"),
    Provider("Groq", ("gsk_",), ("groq.com",), "https://api.groq.com/openai/v1"),
    Provider("Google", ("AIza",), ("googleapis.com",), "https://generativelanguage.googleapis.com/v1beta/openai"),
    Provider("xAI", ("xai-",), ("x.ai",), "https://api.x.ai/v1"),
    Provider("Perplexity", ("pplx-",), ("perplexity.ai",), "https://api.perplexity.ai"),
    Provider("Hugging Face", ("hf_",), ("huggingface.co", "hf.space"), "https://router.huggingface.co/v1"),
    Provider("NVIDIA", ("nvapi-",), ("nvidia.com",), "https://integrate.api.nvidia.com/v1"),
    Provider("Cerebras", ("csk-",), ("cerebras.ai",), "https://api.cerebras.ai/v1"),
    Provider("Fireworks", ("fw_",), ("fireworks.ai",), "https://api.fireworks.ai/inference/v1"),
    Provider("GitHub", ("ghp_", "github_pat_"), ("github.ai", "github.com"), "https://models.github.ai/inference"),
)
_OTHERS = (
    "deepseek.com",
    "mistral.ai",
    "moonshot.ai",
    "moonshot.cn",
    "z.ai",
    "bigmodel.cn",
    "together.xyz",
    "cohere.com",
)
"""Domains of providers whose keys have no form of their own."""


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The keys of the two interfaces to models, and where each is at home."""

    openai: SecretStr | None
    openai_url: str
    dashscope: SecretStr | None
    dashscope_url: str

    def of_openai_url(self) -> SecretStr | None:
        """The key for OPENAI_BASE_URL."""
        return self.openai or (self.dashscope if is_dashscope(self.openai_url) else None)

    def of_dashscope_url(self) -> SecretStr | None:
        """The key for DASHSCOPE_BASE_URL: OPENAI_API_KEY only where that is DashScope's too, and no other is set."""
        both = is_dashscope(self.openai_url) and is_dashscope(self.dashscope_url)
        shared = both or same_origin(self.openai_url, self.dashscope_url)
        return self.dashscope or (self.openai if shared else None)

    def of(self, url: str, own: SecretStr | None) -> str | None:
        """What is sent to an address beside the model's: its own key, or one that was given for the same server."""
        key = own
        if key is None and same_origin(url, self.openai_url):
            key = self.of_openai_url()
        elif key is None and is_dashscope(url):
            key = self.dashscope
        return key.get_secret_value() if key else None


def stranger(key: str, url: str) -> Provider | None:
    """Whose key this is by its form, where the address is another provider's; a gateway's may be anybody's."""
    host = _host(urlsplit(url))
    theirs = next((one for one in _PROVIDERS if key.startswith(one.forms)), _OPENAI if "T3BlbkFJ" in key else None)
    if theirs is None or _is_below(host, theirs.domains):
        return None
    known = (*(domain for one in _PROVIDERS for domain in one.domains), *_OTHERS)
    return theirs if is_dashscope(url) or _is_below(host, known) else None


def misplaced(key: str, url: str) -> str | None:
    """What is wrong with sending this key there, as far as its form tells; it follows the name of the address."""
    theirs = stranger(key, url)
    if theirs is None:
        return None
    host = urlsplit(url).hostname
    return (
        f"this is a key from {theirs.name}, but requests would go to {host}; "
        f"set it to {theirs.url}, or use a key for that server"
    )


def native_url(openai_url: str, otherwise: str) -> str:
    """Where DashScope's own interface is in the region, and workspace, of its OpenAI-compatible one."""
    if not is_dashscope(openai_url):
        return otherwise
    parts = urlsplit(openai_url)
    return f"{parts.scheme}://{parts.netloc}/api/v1"


def _is_below(host: str, domains: Iterable[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def keys_in(path: Path) -> tuple[str, ...]:
    """The keys in a file of profiles, so that no log shows them; what is wrong with the file is told elsewhere."""
    try:
        fallbacks = tomllib.loads(path.read_text(encoding="utf-8")).get("fallbacks")
    except (OSError, ValueError, RecursionError):
        return ()
    entries = fallbacks.values() if isinstance(fallbacks, dict) else ()
    keys = (entry.get("api_key") for entry in entries if isinstance(entry, dict))
    return tuple(key for key in keys if isinstance(key, str) and key)


def is_dashscope(url: str) -> bool:
    """Whether an address is one of DashScope's own."""
    return _DASHSCOPE.fullmatch(_host(urlsplit(url))) is not None


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses have the same scheme, host and port, and so belong to one server."""
    return _origin(one) == _origin(other)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, _host(parts), parts.port or _PORTS.get(parts.scheme)


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").removesuffix(".")
