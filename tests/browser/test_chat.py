"""A private chat: writing, reading, streaming, stopping, and what can be done with messages."""

from playwright.sync_api import expect

from sandbox.model import Say
from tests.browser.messenger import Messenger
from tests.browser.sandbox_process import SandboxProcess
from tests.browser.scripted_model import ScriptedModel
from tests.browser.visits import Visits

WORDS = " ".join(f"word{number}" for number in range(400))


def test_message_gets_its_answer(home: Messenger, model: ScriptedModel) -> None:
    model.script(Say("Hello, **Ann**."))
    answer = home.ask("Hi, I'm Ann", "Hello, Ann.")
    expect(answer.locator("b, strong")).to_have_text("Ann")
    expect(home.chat("You")).to_contain_text("Hello, Ann.")


def test_answer_streams_and_can_be_stopped(home: Messenger, model: ScriptedModel) -> None:
    model.script(Say(WORDS, hold=model.hold(200)))
    home.say("Count for a long time")
    expect(home.draft).to_contain_text("word5")
    home.page.get_by_test_id("stop-draft").click()
    expect(home.draft).to_have_count(0)
    expect(home.theirs("word5")).not_to_contain_text("word399")


def test_typing_is_shown_until_words_come(home: Messenger, model: ScriptedModel) -> None:
    hold = model.hold("headers")
    model.script(Say("At last.", hold=hold))
    home.say("Are you there?")
    expect(home.page.get_by_test_id("typing")).to_be_visible()
    model.release(hold)
    expect(home.theirs("At last.")).to_be_visible()
    expect(home.page.get_by_test_id("typing")).to_have_count(0)


def test_reload_keeps_everything(home: Messenger, model: ScriptedModel) -> None:
    model.script(Say("It stays."))
    home.ask("Will this stay?", "It stays.")
    before = home.messages.inner_text()
    home.page.reload()
    home.enter("You")
    expect(home.theirs("It stays.")).to_be_visible()
    assert home.messages.inner_text() == before


def test_two_tabs_show_the_same(home: Messenger, sandbox: SandboxProcess, model: ScriptedModel, visits: Visits) -> None:
    other = Messenger(visits.page(), sandbox.url).enter("You")
    hold = model.hold(3)
    model.script(Say("Seen by both of them.", hold=hold))
    home.say("Hello from the first tab")
    expect(other.mine("Hello from the first tab")).to_be_visible()
    expect(other.draft).to_contain_text("Seen by")
    model.release(hold)
    expect(other.theirs("Seen by both of them.")).to_be_visible()
    expect(home.theirs("Seen by both of them.")).to_be_visible()


def test_nothing_is_lost_while_a_chat_is_read(home: Messenger) -> None:
    home.enter("Friends")
    for number in range(15):
        home.chat("Friends").click()
        home.say(f"Quick words {number}.")
