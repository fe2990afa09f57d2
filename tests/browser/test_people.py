"""Several people: a group, a forum with topics, and a stranger whom the owner lets in."""

from playwright.sync_api import expect

from sandbox.model import Say
from tests.browser.messenger import Messenger
from tests.browser.scripted_model import ScriptedModel

BOT = "keepsake_sandbox_bot"


def test_people_of_a_group_speak_by_name(home: Messenger, model: ScriptedModel) -> None:
    home.enter("Friends")
    home.speak_as("Ann").say("I'm allergic to walnuts")
    home.speak_as("Bob").say("I bake the cake")
    expect(home.messages.locator(".sender").filter(has_text="Ann").first).to_be_visible()
    model.script(Say("No walnuts for Ann."))
    home.speak_as("You")
    home.ask(f"@{BOT} what should Bob leave out?", "No walnuts for Ann.")
    asked = model.requests[-1].messages[-1].text
    assert "Ann" in asked
    assert "allergic to walnuts" in asked
    assert "I bake the cake" in asked


def test_topics_of_a_forum_are_apart(home: Messenger, model: ScriptedModel) -> None:
    model.script(Say("A long one."))
    home.enter("Book club", "Novels")
    home.ask(f"@{BOT} which novel?", "A long one.")
    home.enter("Book club", "Poems")
    expect(home.theirs("A long one.")).to_have_count(0)
    model.script(Say("A short one."))
    home.ask(f"@{BOT} which poem?", "A short one.")
    assert "which novel" not in str(model.requests[-1].messages)
    home.enter("Book club", "Novels")
    expect(home.theirs("A long one.")).to_be_visible()
    expect(home.theirs("A short one.")).to_have_count(0)


def test_stranger_asks_and_the_owner_allows(home: Messenger, model: ScriptedModel) -> None:
    home.enter("Sam").say("Hello, may I?")
    expect(home.theirs("I've asked my owner")).to_be_visible()
    home.enter("You")
    question = home.theirs("“Sam”")
    question.get_by_role("button", name="Allow").click()
    expect(home.theirs("Decided: allowed by")).to_be_visible()
    home.enter("Sam")
    expect(home.theirs("You can write to me now")).to_be_visible()
    model.script(Say("Welcome, Sam."))
    home.ask("Hello again", "Welcome, Sam.")
