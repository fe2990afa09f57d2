"""A chat with 2,000 messages: all can be reached by scrolling, and scrolling stays smooth."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from sandbox.botapi import BotApi
from tests.browser import sandbox_process
from tests.browser.messenger import ANY_MESSAGE, Messenger
from tests.browser.sandbox_process import SandboxProcess
from tests.browser.visits import Visits

MESSAGES = 2000
STEP_PX = 400
FRAMES = """async ([step, last]) => {
    const log = document.querySelector("[data-testid=messages]");
    const times = [];
    let before = await new Promise(requestAnimationFrame);
    let quiet = 0;
    while (quiet < 120) {
        const height = log.scrollHeight;
        log.scrollTop -= step;
        const now = await new Promise(requestAnimationFrame);
        times.push(now - before);
        before = now;
        quiet = log.scrollTop === 0 && log.scrollHeight === height ? quiet + 1 : 0;
    }
    return times.slice(0, -120);
}"""
"""Scrolls up to the first message; returns the time of each frame in ms."""


def _text(number: int) -> str:
    return f"Message {number}. " + "It has some words, as messages do. " * (number % 7)


@pytest.fixture
def long_chat(tmp_path: Path) -> Iterator[SandboxProcess]:
    """A sandbox whose owner has written a lot, and got as much."""
    telegram = BotApi(path=str(tmp_path / "sandbox-telegram.db"), version="10.3")
    owner = telegram.user("You")
    raw: Any = telegram.private(owner)._state
    chat, people = raw.chat(owner.id), (owner._json(), raw.bot_user)
    for number in range(MESSAGES):
        raw.post(chat, people[number % 2], {"text": _text(number)})
    with sandbox_process.running(tmp_path, "--stand-in", "--no-bot") as running:
        yield running


@pytest.mark.long
def test_all_messages_are_reached_smoothly(long_chat: SandboxProcess, visits: Visits, tmp_path: Path) -> None:
    home = Messenger(visits.page(), long_chat.url).enter("You")
    expect(home.messages.get_by_text(f"Message {MESSAGES - 1}.")).to_be_visible()
    before = home.messages.locator(ANY_MESSAGE).count()
    assert before < 300
    times = sorted(home.page.evaluate(FRAMES, [STEP_PX, MESSAGES]))
    expect(home.messages.get_by_text("Message 0.")).to_be_visible()
    measured = {
        "frames": len(times),
        "median ms": round(times[len(times) // 2], 1),
        "95th percentile ms": round(times[int(len(times) * 0.95)], 1),
        "longest ms": round(times[-1], 1),
        "elements": home.page.evaluate("document.querySelectorAll('*').length"),
    }
    print(json.dumps(measured))
