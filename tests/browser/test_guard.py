"""No other website can use the pages: without the token, or from another origin or host, they refuse."""

from urllib.parse import urlsplit

import httpx
import pytest

from tests.browser.sandbox_process import SandboxProcess

REFUSED = (400, 401, 403, 421)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "example.com"},
        {"Host": "127.0.0.1.example.com"},
        {"Origin": "https://example.com"},
        {"Origin": "null"},
    ],
)
def test_foreign_host_and_origin_are_refused(sandbox: SandboxProcess, headers: dict[str, str]) -> None:
    assert httpx.get(sandbox.url, headers=headers, follow_redirects=True).status_code in REFUSED


@pytest.mark.parametrize("path", ["/", "/?token=wrong", "/?token=", "/_nicegui_ws/socket.io/?EIO=4&transport=polling"])
def test_nothing_is_shown_without_the_token(sandbox: SandboxProcess, path: str) -> None:
    answer = httpx.get(f"{sandbox.base}{path}")
    assert answer.status_code in REFUSED
    assert "Friends" not in answer.text


def test_cookie_is_for_this_page_only(sandbox: SandboxProcess) -> None:
    with httpx.Client(follow_redirects=True) as client:
        assert client.get(sandbox.url).status_code == 200
        assert client.get(f"{sandbox.base}/").status_code == 200  # by the cookie
        (cookie,) = [one for one in client.cookies.jar if str(urlsplit(sandbox.base).port) in one.name]
    rest = {name.lower(): value for name, value in vars(cookie)["_rest"].items()}
    assert "httponly" in rest
    assert rest["samesite"].lower() == "strict"
