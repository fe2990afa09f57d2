"""The inspector beside an answer: its numbers and words are those of the request, the answer and the database."""

import sqlite3
from contextlib import closing

import httpx
import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from sandbox.model import Say
from tests.browser.accessibility import serious_faults
from tests.browser.messenger import Messenger
from tests.browser.sandbox_process import SandboxProcess
from tests.browser.scripted_model import ScriptedModel
from tests.selection import first

ABOVE_AXIS_PX = 76
"""Where every bar is, above the edge of the plot."""
REFUSED = (400, 401, 403, 421)
USED = "SELECT sum(input_tokens), sum(cached_tokens), sum(output_tokens), sum(requests) FROM usage"


def used(sandbox: SandboxProcess) -> tuple[int, ...]:
    """All tokens and requests in the bot's database."""
    with closing(sqlite3.connect(f"file:{sandbox.database}?mode=ro", uri=True)) as database:
        return tuple(number or 0 for number in database.execute(USED).fetchone())


def inspected(home: Messenger, answer: Locator) -> FrameLocator:
    """The inspector at this answer."""
    home.act(answer, "Inspect")
    frame = home.page.frame_locator("[data-testid=inspector]")
    expect(frame.get_by_test_id("tokens")).to_be_visible()
    return frame


def plain(text: str | None) -> str:
    return " ".join((text or "").split())


def test_numbers_are_those_of_request_and_database(
    home: Messenger, model: ScriptedModel, sandbox: SandboxProcess
) -> None:
    model.script(Say("Say it once."))
    home.ask("The first of two turns. " + "A long one. " * 300, "Say it once.")  # short prompts aren't cached
    before = used(sandbox)
    model.script(Say("Say it twice, with cached tokens."))
    frame = inspected(home, home.ask("The second of two turns", "Say it twice"))
    expect(frame.get_by_role("heading", level=2)).to_have_text("The second of two turns")
    count, spent = model.counts[-1], [after - once for after, once in zip(used(sandbox), before, strict=True)]
    shown = frame.get_by_test_id("tokens")
    assert count.cached > 0
    assert spent[3] == 1
    for name, reported, stored in (("input", count.total, spent[0]), ("cached", count.cached, spent[1])):
        assert shown.get_attribute(f"data-{name}") == str(reported) == str(stored)
    assert shown.get_attribute("data-output") == str(spent[2])
    expect(frame.get_by_test_id("fidelity")).to_have_text("✓ exactly as sent")


def test_messages_are_those_that_were_sent(home: Messenger, model: ScriptedModel) -> None:
    model.script(Say("These words were sent."))
    frame = inspected(home, home.ask("Which words did you get?", "These words were sent."))
    sent = model.requests[-1].messages
    messages = frame.locator("[data-testid^='prompt-message-']")
    expect(messages).to_have_count(len(sent))
    for number, message in enumerate(sent):
        shown = messages.nth(number)
        assert shown.locator(".role").text_content() == message.role
        assert plain(" ".join(shown.locator(".words").all_text_contents())) == plain(message.text)
    expect(frame.get_by_test_id("answer-text")).to_have_text("These words were sent.")


def test_inspector_follows_another_answer_and_closes(home: Messenger, model: ScriptedModel) -> None:
    model.script(Say("Answer number one."), Say("Answer number two."))
    first = home.ask("Question number one", "Answer number one.")
    second = home.ask("Question number two", "Answer number two.")
    frame = inspected(home, second)
    expect(frame.get_by_test_id("answer-text")).to_have_text("Answer number two.")
    home.act(first, "Inspect")
    expect(frame.get_by_test_id("answer-text")).to_have_text("Answer number one.")
    home.page.get_by_test_id("close-inspector").click()
    expect(home.page.get_by_test_id("inspector")).not_to_be_visible()


@pytest.fixture
def alone(home: Messenger, model: ScriptedModel) -> Page:
    """The inspector as a page of its own."""
    model.script(Say("To be inspected."))
    inspected(home, home.ask("Something to inspect", "To be inspected."))
    address = home.page.get_by_test_id("inspector").get_attribute("src")
    page = home.page.context.new_page()
    page.goto(str(address))
    return page


@pytest.mark.parametrize("colors", first(["light", "dark"]))
def test_axe_finds_nothing_serious_in_the_inspector(alone: Page, colors: str) -> None:
    alone.emulate_media(color_scheme="dark" if colors == "dark" else "light", reduced_motion="reduce")
    for tab, content in (("answer", "tokens"), ("course", "series"), ("overview", "costs")):
        alone.get_by_test_id(f"tab-{tab}").click()
        expect(alone.get_by_test_id(content).first).to_be_visible()
        assert serious_faults(alone) == [], tab


def test_overview_has_costs_of_chat_and_day(alone: Page) -> None:
    alone.get_by_test_id("tab-overview").click()
    for name in ("costs", "costs-here"):
        expect(alone.get_by_test_id(name)).to_contain_text("stand-in")
    alone.get_by_test_id("day").fill("2020-02-29")
    for name in ("costs", "costs-here"):
        expect(alone.get_by_test_id(name)).to_contain_text("Nothing was used.")


def test_click_in_the_plot_opens_its_answer(alone: Page) -> None:
    alone.get_by_test_id("tab-course").click()
    plot = alone.get_by_test_id("series")
    expect(plot.locator("canvas, svg").first).to_be_visible()
    box = plot.bounding_box()
    assert box is not None
    for number in range(1, 20):
        alone.mouse.click(box["x"] + box["width"] * number / 20, box["y"] + box["height"] - ABOVE_AXIS_PX)
        alone.wait_for_timeout(100)
        if alone.get_by_test_id("tokens").is_visible():
            return
    expect(alone.get_by_test_id("tokens")).to_be_visible()


def test_inspector_needs_its_token(alone: Page) -> None:
    address = alone.url.partition("?")[0]
    assert httpx.get(address).status_code in REFUSED
    assert httpx.get(f"{address}?token=wrong").status_code in REFUSED
    assert httpx.get(alone.url, headers={"Host": "example.com"}).status_code in REFUSED
