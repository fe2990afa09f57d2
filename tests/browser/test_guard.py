"""No other website can use the pages: without the token, or from another origin or host, they refuse."""

import re
from urllib.parse import urlsplit

import httpx
import pytest

from tests.browser.messenger import Messenger
from tests.browser.sandbox_process import SandboxProcess
from tests.browser.visits import Visits

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


def test_only_marked_scripts_may_run(sandbox: SandboxProcess, home: Messenger, visits: Visits) -> None:
    with httpx.Client(follow_redirects=True) as client:
        answer = client.get(sandbox.url)
    policy = next(one for one in answer.headers.get_list("content-security-policy") if "script-src" in one)
    (nonce,) = re.findall(r"'nonce-([^']+)'", policy)
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert answer.text.count("<script") == answer.text.count(f'<script nonce="{nonce}"')
    with home.page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        home.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = true\">')")
    assert not home.page.evaluate("window.ran")
    visits.faults.clear()
