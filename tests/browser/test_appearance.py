"""Light and dark, a phone, the keyboard alone, and what axe finds in each view."""

from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from sandbox.model import Say
from sandbox.model.behaviour import LONG_ANSWER
from tests.browser.accessibility import serious_faults
from tests.browser.messenger import Messenger
from tests.browser.sandbox_process import SandboxProcess
from tests.browser.scripted_model import ScriptedModel
from tests.browser.visits import PHONE, Visits
from tests.selection import first

MOST_TABS = 40


def _menu(home: Messenger) -> None:
    home.messages.locator("[data-testid^='menu-']").last.click()
    expect(home.page.get_by_role("menu")).to_be_visible()


def _commands(home: Messenger) -> None:
    home.composer.press_sequentially("/")
    expect(home.page.get_by_test_id("commands")).to_be_visible()


def _press(name: str) -> Callable[[Messenger], None]:
    def press(home: Messenger) -> None:
        home.page.get_by_test_id(name).click()
        home.page.wait_for_timeout(400)  # an animation

    return press


VIEWS: dict[str, Callable[[Messenger], object]] = {
    "chat": lambda home: None,
    "group": lambda home: home.enter("Friends"),
    "menu": _menu,
    "commands": _commands,
    "trouble": _press("trouble"),
    "new chat": _press("new-chat"),
}


@pytest.fixture
def rich(home: Messenger, model: ScriptedModel) -> Messenger:
    """A chat with a bit of everything that an answer may have."""
    if home.theirs("A bit of everything").count() == 0:
        model.script(Say("A bit of everything\n\n" + LONG_ANSWER.read_text(encoding="utf-8")))
        home.ask("Show me a bit of everything", "A bit of everything")
    return home


@pytest.mark.parametrize("view", first(VIEWS, 2))
@pytest.mark.parametrize("colors", ["light", "dark"])
def test_axe_finds_nothing_serious(rich: Messenger, view: str, colors: Literal["light", "dark"]) -> None:
    rich.page.emulate_media(color_scheme=colors, reduced_motion="reduce")
    VIEWS[view](rich)
    assert serious_faults(rich.page) == []


def test_dark_is_chosen_and_kept(home: Messenger) -> None:
    bright = "(element) => getComputedStyle(element).color.match(/\\d+/g).slice(0, 3).every((one) => one > 150)"
    words = home.composer.element_handle()
    assert words is not None
    assert not words.evaluate(bright)
    home.page.get_by_test_id("dark").click()
    home.page.wait_for_function(bright, arg=words)
    home.page.reload()
    home.enter("You")
    assert home.composer.evaluate(bright)


def test_phone_shows_one_thing_at_a_time(sandbox: SandboxProcess, model: ScriptedModel, visits: Visits) -> None:
    phone = Messenger(visits.page(**PHONE), sandbox.url)
    phone.enter("You")
    expect(phone.chat("Friends")).not_to_be_in_viewport()
    model.script(Say("On a phone."))
    phone.ask("Where am I?", "On a phone.")
    assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.page.get_by_role("button", name="Back to the chats").click()
    expect(phone.chat("Friends")).to_be_in_viewport()
    expect(phone.composer).not_to_be_in_viewport()
    assert serious_faults(phone.page) == []


def test_keyboard_alone_is_enough(home: Messenger, model: ScriptedModel) -> None:
    keyboard = home.page.keyboard
    home.composer.focus()
    model.script(Say("Typed."), Say("Replied."))
    keyboard.type("By keys only")
    keyboard.press("Enter")
    expect(home.theirs("Typed.")).to_be_visible()
    _tab_to(home.page, "menu-", backwards=True)
    keyboard.press("Enter")
    expect(home.page.get_by_role("menu")).to_be_visible()
    chosen = home.page.locator("[role=menuitem]:focus")
    for _ in range(MOST_TABS):
        if "Reply" in (chosen.text_content() or ""):
            break
        keyboard.press("ArrowDown")
    keyboard.press("Enter")
    expect(home.composer).to_be_focused()
    keyboard.type("And so is this")
    keyboard.press("Enter")
    expect(home.theirs("Replied.")).to_be_visible()
    expect(home.mine("And so is this").locator(".reply")).to_contain_text("Typed.")
    keyboard.press("Alt+ArrowDown")
    expect(home.chat("You")).not_to_have_attribute("aria-current", "true")


def _tab_to(page: Page, test_id: str, *, backwards: bool = False) -> None:
    """Press Tab until the focus is on something whose test ID begins like this."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if str(page.evaluate("document.activeElement.dataset.testid || ''")).startswith(test_id):
            return
    raise AssertionError(f"the keyboard does not reach {test_id}")
