"""What pages of ours may not do is noticed."""

import pytest
from playwright.sync_api import Page

from tests.browser.visits import Visits, is_outside


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("console.error('a fault')", "console: a fault"),
        ("setTimeout(() => { throw new Error('not caught') })", "not caught"),
        ("fetch('https://example.com/x').catch(() => {})", "request: https://example.com/x"),
        ("new WebSocket('wss://example.com/x')", "socket: wss://example.com/x"),
    ],
)
def test_fault_of_a_page_is_noticed(page: Page, visits: Visits, script: str, fault: str) -> None:
    page.evaluate(f"{{ {script} }}")
    page.wait_for_timeout(200)
    assert any(fault in one for one in visits.faults), visits.faults
    visits.faults.clear()


def test_page_without_faults_passes(page: Page, visits: Visits) -> None:
    page.evaluate("console.log('nothing'); console.warn('much')")
    page.set_content("<img src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACADs='>")
    assert visits.faults == []


@pytest.mark.parametrize(
    ("url", "outside"),
    [
        ("http://127.0.0.1:8080/x", False),
        ("ws://127.0.0.1:8080/x", False),
        ("blob:http://127.0.0.1/1", False),
        ("data:,x", False),
        ("http://localhost/", True),
        ("http://127.0.0.1.example.com/", True),
        ("http://192.168.0.1/", True),
    ],
)
def test_outside_is_told_from_this_machine(url: str, outside: bool) -> None:
    assert is_outside(url) is outside
