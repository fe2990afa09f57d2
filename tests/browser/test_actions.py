"""What people do with messages: buttons, replies, quotes, edits, deletions, reactions, questions and commands."""

from playwright.sync_api import expect

from sandbox.model import Say
from tests.browser.messenger import Messenger
from tests.browser.scripted_model import ScriptedModel


def test_button_shows_that_it_was_pressed(home: Messenger) -> None:
    home.say("/settings")
    panel = home.theirs("Persona")
    button = panel.get_by_role("button", name="Persona")
    button.click()
    expect(home.theirs("Who should I be here?")).to_be_visible()
    expect(home.messages.locator("[aria-busy=true]")).to_have_count(0)


def test_reply_prompt_opens_and_its_answer_counts(home: Messenger, model: ScriptedModel) -> None:
    home.say("/settings")
    home.theirs("Persona").get_by_role("button", name="Persona").click()
    home.theirs("Who should I be here?").get_by_role("button", name="Write your own").click()
    expect(home.page.get_by_placeholder("The model's first instructions, or /cancel")).to_be_visible()
    home.say("You are a pirate in this test.")
    expect(home.theirs("Takes effect with your next message")).to_be_visible()
    model.script(Say("Arr, hello."))
    home.ask("Hello, sailor", "Arr, hello.")
    assert "You are a pirate in this test." in model.requests[-1].messages[0].text


def test_reply_and_quote_reach_the_model(home: Messenger, model: ScriptedModel) -> None:
    model.script(Say("Oslo is cold, Rome is warm."), Say("It is."), Say("Yes, warm."))
    answer = home.ask("Which city is warm?", "Oslo is cold, Rome is warm.")
    home.act(answer, "Reply")
    expect(home.page.get_by_test_id("cancel-reply")).to_be_visible()
    home.ask("Is it so with a reply?", "It is.")
    shown = home.mine("Is it so with a reply?").locator(".reply")
    expect(shown).to_contain_text("Oslo is cold")
    answer.get_by_text("Rome is warm").evaluate(
        """element => {
            const text = document.createTreeWalker(element, NodeFilter.SHOW_TEXT).nextNode();
            const at = text.data.indexOf("Rome is warm");
            getSelection().setBaseAndExtent(text, at, text, at + "Rome is warm".length);
        }"""
    )
    home.act(answer, "Quote")
    home.ask("And this part?", "Yes, warm.")
    expect(home.mine("And this part?").locator(".reply")).to_contain_text("Rome is warm")
    expect(home.mine("And this part?").locator(".reply")).not_to_contain_text("Oslo")
    assert "Rome is warm" in model.requests[-1].messages[-1].text


def test_reply_can_be_cancelled(home: Messenger, model: ScriptedModel) -> None:
    model.script(Say("One."))
    home.act(home.ask("To be replied to?", "One."), "Reply")
    home.page.get_by_test_id("cancel-reply").click()
    model.script(Say("Two."))
    home.ask("Not a reply", "Two.")
    expect(home.mine("Not a reply").locator(".reply")).to_have_count(0)


def test_edit_is_answered_again(home: Messenger, model: ScriptedModel) -> None:
    model.script(Say("Seven."), Say("Nine."))
    home.ask("What is three and four?", "Seven.")
    home.act(home.mine("What is three and four?"), "Edit")
    expect(home.composer).to_have_value("What is three and four?")
    home.say("What is four and five?")
    expect(home.mine("What is four and five?")).to_contain_text("edited")
    expect(home.theirs("Nine.")).to_be_visible()


def test_deleted_message_is_gone(home: Messenger, model: ScriptedModel) -> None:
    model.script(Say("Noted."))
    home.ask("This is to be deleted", "Noted.")
    home.act(home.mine("This is to be deleted"), "Delete")
    expect(home.mine("This is to be deleted")).to_have_count(0)
    home.page.reload()
    home.enter("You")
    expect(home.theirs("Noted.")).to_be_visible()
    expect(home.mine("This is to be deleted")).to_have_count(0)


def test_reaction_is_kept_and_taken_away(home: Messenger, model: ScriptedModel) -> None:
    model.script(Say("Do you like it?"))
    answer = home.ask("Say something to like", "Do you like it?")
    home.act(answer, "👍")
    reaction = answer.get_by_role("button", name="👍 1")
    expect(reaction).to_have_attribute("aria-pressed", "true")
    home.page.reload()
    home.enter("You")
    expect(reaction).to_be_visible()
    reaction.click()
    expect(reaction).to_have_count(0)


def test_commands_are_listed_and_chosen_by_keys(home: Messenger) -> None:
    home.composer.press_sequentially("/")
    commands = home.page.get_by_test_id("commands")
    expect(commands.get_by_role("option").first).to_be_visible()
    everything = commands.get_by_role("option").count()
    home.composer.press_sequentially("mem")
    expect(commands.get_by_role("option")).to_have_count(1)
    assert everything > 5
    home.composer.press("Enter")
    expect(home.mine("/memory")).to_be_visible()
    expect(commands).to_have_count(0)
