"""Files go up by dialog, paste and drag, and come down; voice is recorded in the browser."""

from base64 import b64encode
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import JSHandle, expect

from sandbox.model import Say
from tests.browser.messenger import Messenger
from tests.browser.scripted_model import ScriptedModel

TRANSFER = """([base64, name, type]) => {
    const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, {type}));
    return transfer;
}"""
PASTE = """(element, transfer) => element.dispatchEvent(
    new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true}))"""


def picture(color: str) -> bytes:
    """A PNG file."""
    file = BytesIO()
    Image.new("RGB", (64, 48), color).save(file, "PNG")
    return file.getvalue()


def carried(home: Messenger, content: bytes, name: str, mime: str) -> JSHandle:
    """A DataTransfer with this file, as the browser makes of what is pasted or dragged."""
    return home.page.evaluate_handle(TRANSFER, [b64encode(content).decode(), name, mime])


@pytest.mark.parametrize("way", ["file", "paste", "drop"])
def test_photo_reaches_the_model(home: Messenger, model: ScriptedModel, tmp_path: Path, way: str) -> None:
    model.script(Say(f"A picture by {way}."))
    if way == "file":
        file = tmp_path / "red.png"
        file.write_bytes(picture("red"))
        home.attach(file)
    else:
        transfer = carried(home, picture("red"), "red.png", "image/png")
        if way == "paste":
            home.composer.evaluate(PASTE, transfer)
        else:
            for event in ("dragenter", "dragover", "drop"):
                home.messages.dispatch_event(event, {"dataTransfer": transfer})
    home.caption(f"What is this {way}?")
    expect(home.theirs(f"A picture by {way}.")).to_be_visible()
    shown = home.mine(f"What is this {way}?").locator("img")
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.naturalWidth") > 0
    assert len(model.requests[-1].messages[-1].images) == 1


def test_album_is_one_turn(home: Messenger, model: ScriptedModel, tmp_path: Path) -> None:
    files = [tmp_path / f"{color}.png" for color in ("red", "green", "blue")]
    for file in files:
        file.write_bytes(picture(file.stem))
    model.script(Say("Three colors."))
    home.attach(*files)
    home.caption("Which colors are these?")
    expect(home.theirs("Three colors.")).to_be_visible()
    expect(home.mine("Which colors are these?").locator("img")).to_have_count(3)
    assert len(model.requests[-1].messages[-1].images) == 3


def test_document_goes_up_and_comes_down(home: Messenger, model: ScriptedModel, tmp_path: Path) -> None:
    file = tmp_path / "recipe.txt"
    file.write_text("Two eggs and a walnut.")
    model.script(Say("A recipe."))
    home.attach(file)
    home.caption("What is in this file?")
    expect(home.theirs("A recipe.")).to_be_visible()
    assert "Two eggs and a walnut." in str(model.requests[-1].messages)
    with home.page.expect_download() as download:
        home.mine("What is in this file?").get_by_role("link", name="recipe.txt").click()
    assert download.value.suggested_filename == "recipe.txt"
    assert Path(download.value.path()).read_text() == "Two eggs and a walnut."


def test_export_of_the_bot_is_downloaded(home: Messenger) -> None:
    home.say("/export")
    home.theirs("Which format?").get_by_role("button", name="Markdown").click()
    document = home.theirs(".md").get_by_role("link")
    expect(document).to_be_visible()
    with home.page.expect_download() as download:
        document.click()
    assert Path(download.value.path()).read_text().startswith("#")


def test_voice_is_recorded_and_transcribed(home: Messenger, model: ScriptedModel) -> None:
    model.script(Say("I heard you."))
    home.page.get_by_test_id("record").click()
    expect(home.page.get_by_text("Recording 1 s")).to_be_visible()
    home.page.get_by_test_id("send").click()
    expect(home.theirs("I heard you.")).to_be_visible()
    expect(home.page.get_by_role("button", name="Play voice message").last).to_be_visible()
