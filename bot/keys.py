"""Which key goes to which server: only to the one that it was given for."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

_PORTS = {"http": 80, "https": 443}
_DASHSCOPE = re.compile(
    r"(?:[a-z0-9-]+\.)*dashscope(?:-[a-z0-9-]+)?(?:\.[a-z0-9-]+\.privatelink)?\.aliyuncs\.com"
    r"|(?:[a-z0-9-]+\.)+maas\.aliyuncs\.com"
)
"""Model Studio's own hosts. Others below aliyuncs.com belong to customers: buckets, machines, functions."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of the two interfaces to models, and where each is at home."""

    openai: SecretStr | None
    openai_url: str
    dashscope: SecretStr | None
    dashscope_url: str

    def of_openai_url(self) -> SecretStr | None:
        """The key for OPENAI_BASE_URL."""
        return self.openai or (self.dashscope if is_dashscope(self.openai_url) else None)

    def of_dashscope_url(self) -> SecretStr | None:
        """The key for DASHSCOPE_BASE_URL: OPENAI_API_KEY only where that is DashScope's too."""
        shared = is_dashscope(self.openai_url) or same_origin(self.openai_url, self.dashscope_url)
        return (self.openai if shared else None) or self.dashscope

    def of(self, url: str, own: SecretStr | None) -> str | None:
        """What is sent to an address beside the model's: its own key, or one that was given for the same server."""
        key = own
        if key is None and same_origin(url, self.openai_url):
            key = self.of_openai_url()
        elif key is None and is_dashscope(url):
            key = self.dashscope
        return key.get_secret_value() if key else None


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
