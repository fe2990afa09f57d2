"""Which key is sent to which server: a key only goes to the server it was set for."""

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
"""Model Studio's own hosts. Other hosts under aliyuncs.com belong to customers: buckets, machines, functions."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider whose keys have a recognizable form."""

    name: str
    forms: tuple[str, ...]
    """The prefixes of its keys."""
    domains: tuple[str, ...]
    url: str
    """Its OpenAI-compatible API."""


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
"""Domains of providers whose keys have no recognizable form."""


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The keys of the two model APIs, and the base URL of each."""

    openai: SecretStr | None
    openai_url: str
    dashscope: SecretStr | None
    dashscope_url: str

    def of_openai_url(self) -> SecretStr | None:
        """The key for OPENAI_BASE_URL."""
        return self.openai or (self.dashscope if is_dashscope(self.openai_url) else None)

    def of_dashscope_url(self) -> SecretStr | None:
        """The key for DASHSCOPE_BASE_URL: OPENAI_API_KEY only if no other is set and both are DashScope."""
        both = is_dashscope(self.openai_url) and is_dashscope(self.dashscope_url)
        shared = both or same_origin(self.openai_url, self.dashscope_url)
        return self.dashscope or (self.openai if shared else None)

    def of(self, url: str, own: SecretStr | None) -> str | None:
        """The key for a server other than the main model's: its own, or else one that was set for the same server."""
        key = own
        if key is None and same_origin(url, self.openai_url):
            key = self.of_openai_url()
        elif key is None and is_dashscope(url):
            key = self.dashscope
        return key.get_secret_value() if key else None


def stranger(key: str, url: str) -> Provider | None:
    """The provider a key belongs to by its form, if the URL is another provider's; a gateway may take any key."""
    host = _host(urlsplit(url))
    issuer = next((p for p in _PROVIDERS if key.startswith(p.forms)), _OPENAI if "T3BlbkFJ" in key else None)
    if issuer is None or _is_below(host, issuer.domains):
        return None
    known = (*(domain for provider in _PROVIDERS for domain in provider.domains), *_OTHERS)
    return issuer if is_dashscope(url) or _is_below(host, known) else None


def misplaced(key: str, url: str) -> str | None:
    """Why this key should not be sent to this URL, judging by its form; to be shown after the variable's name."""
    issuer = stranger(key, url)
    if issuer is None:
        return None
    host = urlsplit(url).hostname
    return (
        f"this is a key from {issuer.name}, but requests would go to {host}; "
        f"set it to {issuer.url}, or use a key for that server"
    )


def native_url(openai_url: str, otherwise: str) -> str:
    """The native DashScope API in the same region and workspace as its OpenAI-compatible one."""
    if not is_dashscope(openai_url):
        return otherwise
    parts = urlsplit(openai_url)
    return f"{parts.scheme}://{parts.netloc}/api/v1"


def _is_below(host: str, domains: Iterable[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def keys_in(path: Path) -> tuple[str, ...]:
    """The keys in a file of model profiles, to keep them out of logs; a broken file is reported elsewhere."""
    try:
        fallbacks = tomllib.loads(path.read_text(encoding="utf-8")).get("fallbacks")
    except (OSError, ValueError, RecursionError):
        return ()
    entries = fallbacks.values() if isinstance(fallbacks, dict) else ()
    keys = (entry.get("api_key") for entry in entries if isinstance(entry, dict))
    return tuple(key for key in keys if isinstance(key, str) and key)


def is_dashscope(url: str) -> bool:
    """Whether a URL is on one of DashScope's own hosts."""
    return _DASHSCOPE.fullmatch(_host(urlsplit(url))) is not None


def same_origin(first: str, second: str) -> bool:
    """Whether two URLs have the same scheme, host and port, and so belong to one server."""
    return _origin(first) == _origin(second)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, _host(parts), parts.port or _PORTS.get(parts.scheme)


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").removesuffix(".")
