"""Where one writes, as fast, absent-minded and Japanese people use it."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.messenger import Messenger
from tests.browser.sandbox_process import SandboxProcess
from tests.browser.visits import Visits

DROP = """(selector) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(["x"], "dropped.txt", { type: "text/plain" }));
  const given = { dataTransfer, bubbles: true, cancelable: true };
  const answers = ["dragover", "drop"].map((name) => new DragEvent(name, given));
  answers.forEach((one) => document.querySelector(selector).dispatchEvent(one));
  return answers.every((one) => one.defaultPrevented);
}"""
PASTE = """(area, words) => {
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File(["x"], "image.png", { type: "image/png" }));
  if (words) clipboardData.setData("text/plain", words);
  const pasted = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
  area.dispatchEvent(pasted);
  return pasted.defaultPrevented;
}"""
COMPOSED = """(area) => area.dispatchEvent(
  new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true, cancelable: true }))"""


def test_enter_of_an_input_method_sends_nothing(home: Messenger) -> None:
    home.composer.fill("にほん")
    home.composer.evaluate(COMPOSED)  # as Safari ends a composition
    home.page.wait_for_timeout(300)
    expect(home.composer).to_have_value("にほん")


def test_words_wait_in_the_chat_they_are_for(home: Messenger) -> None:
    home.composer.fill("half a thought")
    home.enter("Friends")
    expect(home.composer).to_have_value("")
    home.enter("You")
    expect(home.composer).to_have_value("half a thought")


def test_words_outlast_a_reload(home: Messenger) -> None:
    home.composer.fill("half a page")
    home.page.reload()
    expect(home.composer).to_have_value("half a page")


def test_words_stay_while_the_connection_is_lost(home: Messenger) -> None:
    home.page.evaluate("window.socket.disconnect()")
    home.composer.fill("into the void")
    home.composer.press("Enter")
    expect(home.composer).to_have_value("into the void")


def test_notice_is_in_the_middle(home: Messenger) -> None:
    home.page.get_by_test_id("dark").click()
    box = home.page.locator(".q-notification").first.bounding_box()
    width = home.page.evaluate("innerWidth")
    assert box is not None
    assert abs(box["x"] + box["width"] / 2 - width / 2) < 20
    for _ in range(2):
        home.page.get_by_test_id("dark").click()


def test_file_can_be_dropped_anywhere(home: Messenger) -> None:
    assert home.page.evaluate(DROP, "[data-testid=chats]")  # or the browser would open it in place of the page
    expect(home.page.get_by_test_id("files")).to_contain_text("dropped.txt")


def test_table_from_a_spreadsheet_is_pasted_as_text(home: Messenger) -> None:
    assert not home.composer.evaluate(PASTE, "a\tb")  # it comes as a picture, too
    assert home.composer.evaluate(PASTE, "")
    expect(home.page.get_by_test_id("files")).to_have_count(1)


def test_edit_of_a_deleted_message_starts_anew(home: Messenger, visits: Visits, sandbox: SandboxProcess) -> None:
    home.act(home.say("soon gone"), "Edit")
    home.composer.fill("not to be lost")
    elsewhere = Messenger(visits.page(), sandbox.url).enter("You")
    elsewhere.act(elsewhere.mine("soon gone"), "Delete")
    expect(home.mine("soon gone")).to_have_count(0)
    expect(home.page.get_by_test_id("cancel-reply")).to_have_count(0)
    home.composer.press("Enter")
    expect(home.mine("not to be lost")).to_be_visible()


def test_too_large_file_stays_with_its_caption(home: Messenger, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    home.attach(large)
    home.composer.fill("a long caption")
    home.composer.press("Enter")
    expect(home.page.get_by_text("A file has at most 64 MB.")).to_be_visible()
    expect(home.composer).to_have_value("a long caption")
    expect(home.page.get_by_test_id("files")).to_contain_text("large.bin")
