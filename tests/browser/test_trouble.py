"""The drawer: kill -9 and a restart in the middle of an answer; and another model in place of the stand-in."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from sandbox.model import MODEL_NAME, Say
from tests.browser import sandbox_process
from tests.browser.messenger import Messenger
from tests.browser.sandbox_process import SandboxProcess
from tests.browser.scripted_model import ScriptedModel

START_MS = 40_000
"""A bot is ended and started, on a busy machine."""


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A sandbox of this module's own, with the stand-in."""
    with sandbox_process.running(tmp_path_factory.mktemp("troubled"), "--stand-in") as running:
        yield running


@pytest.fixture
def desk(troubled: SandboxProcess, page: Page) -> Messenger:
    return Messenger(page, troubled.url).enter("You")


def test_killed_bot_answers_once_after_its_start(home: Messenger, model: ScriptedModel) -> None:
    model.script(Say("This one was killed.", hold=model.hold(2)), Say("Here I am again."))
    home.say("Will you survive kill -9?")
    expect(home.draft).to_contain_text("This one")
    home.page.get_by_test_id("trouble").click()
    state = home.page.get_by_test_id("bot-state")
    home.page.get_by_test_id("kill-bot").click()
    expect(state).to_have_text("The bot is not running.")
    home.page.get_by_test_id("start-bot").click()
    expect(state).to_have_text("The bot is running.")
    expect(home.theirs("Here I am again.")).to_be_visible(timeout=START_MS)
    model.script(Say("I am fine."))
    home.ask("And how about now?", "I am fine.")
    expect(home.answers.filter(has_text="Here I am again.")).to_have_count(1)
    expect(home.answers.filter(has_text="This one was killed.")).to_have_count(0)


def test_fault_of_the_model_is_reported_and_passes(desk: Messenger) -> None:
    desk.page.get_by_test_id("trouble").click()
    _play_fault(desk, "Refuses the content (400)")
    desk.ask("Can you answer this?", "refuses")
    _play_fault(desk, "None: it answers")
    desk.ask("And can you answer that?", "And can you answer that?")


def test_slow_network_and_old_server_only_delay(desk: Messenger) -> None:
    desk.page.get_by_test_id("trouble").click()
    slow, floods = (desk.page.get_by_test_id(f"trouble-{name}") for name in ("slow", "floods"))
    slow.click()
    floods.click()
    _choose(desk, "version", "10.1")
    for words in ("First through the mud", "Then through the mud again"):
        desk.ask(words, words)
    slow.click()
    floods.click()
    _choose(desk, "version", "10.3")
    desk.ask("On a dry road", "On a dry road")


def _play_fault(desk: Messenger, label: str) -> None:
    _choose(desk, "model-fault", label)


def _choose(desk: Messenger, name: str, label: str) -> None:
    desk.page.get_by_test_id(name).click()
    desk.page.get_by_role("option", name=label).click()
    expect(desk.page.get_by_role("option")).to_have_count(0)


def test_model_is_replaced_and_restored(desk: Messenger, model: ScriptedModel) -> None:
    model.script(Say("I am the other model."))
    desk.page.get_by_test_id("change-model").click()
    for name, value in (("url", model.url), ("key", "any-key-of-a-test"), ("name", MODEL_NAME)):
        desk.page.get_by_test_id(f"model-{name}").fill(value)
    desk.page.get_by_role("button", name="Use it").click()
    expect(desk.page.get_by_role("dialog")).to_have_count(0, timeout=START_MS)
    desk.ask("Who are you?", "I am the other model.")
    desk.page.get_by_test_id("change-model").click()
    desk.page.get_by_role("button", name="Back to the sandbox's own").click()
    expect(desk.page.get_by_test_id("model-banner")).to_contain_text("understands nothing", timeout=START_MS)
    expect(desk.page.get_by_role("dialog")).to_have_count(0, timeout=START_MS)
    desk.ask("And who are you now?", "I am a stand-in")
