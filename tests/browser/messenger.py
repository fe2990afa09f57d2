"""The messenger as a person uses it: chats by their title, messages by their words."""

import re
from pathlib import Path
from typing import Self

from playwright.sync_api import Locator, Page, expect

from tests.browser.visits import PATIENCE_MS

expect.set_options(timeout=PATIENCE_MS)
ANY_MESSAGE = "[data-testid^='message-']"


class Messenger:
    """One tab with the messenger."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.messages = page.get_by_test_id("messages")
        self.answers = self.messages.locator(f"{ANY_MESSAGE}.theirs")
        self.composer = page.get_by_test_id("composer")
        self.draft = page.get_by_test_id("draft")
        page.goto(url)
        expect(self.chat("You")).to_be_visible()

    def chat(self, title: str) -> Locator:
        """Its row in the list."""
        return self.page.get_by_test_id(f"chat-{title}")

    def enter(self, title: str, topic: str = "") -> Self:
        """Open a chat, or a topic of it."""
        row = self.page.get_by_test_id(f"topic-{topic}") if topic else self.chat(title)
        place = row.get_attribute("data-key") or ""
        row.click()
        expect(self.page.locator(f"[data-place='{place}']")).to_be_visible()
        return self

    def speak_as(self, name: str) -> Self:
        self.page.get_by_test_id("speaker").click()
        self.page.get_by_role("option", name=name, exact=True).click()
        expect(self.page.locator(f"[data-speaker='{name}']")).to_be_visible()
        return self

    def say(self, text: str) -> Locator:
        """Write and send; returns the message, once it is shown."""
        self.composer.fill(text)
        self.composer.press("Enter")
        mine = self.mine(text)
        expect(mine).to_be_visible()
        return mine

    def mine(self, text: str | re.Pattern[str]) -> Locator:
        """The newest message of the person who uses the page that has this text."""
        return self.messages.locator(f"{ANY_MESSAGE}.mine").filter(has_text=text).last

    def theirs(self, text: str | re.Pattern[str]) -> Locator:
        """The newest message of the bot, or of other people, that has this text."""
        return self.answers.filter(has_text=text).last

    def ask(self, text: str, answer: str) -> Locator:
        """Write, and wait for an answer with these words; returns it."""
        self.say(text)
        found = self.theirs(answer)
        expect(found).to_be_visible()
        expect(self.draft).to_have_count(0)
        return found

    def act(self, message: Locator, item: str) -> None:
        """Choose an item of the message's menu."""
        message.hover()
        message.locator("[data-testid^='menu-']").click()
        self.page.get_by_role("menuitem", name=item, exact=True).click()

    def caption(self, text: str) -> None:
        """Send what is attached, with this caption."""
        self.composer.fill(text)
        self.composer.press("Enter")
        expect(self.mine(text)).to_be_visible()

    def attach(self, *files: Path) -> None:
        """Choose files in the dialog of the system."""
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_test_id("attach").click()
        chooser.value.set_files(list(files))
