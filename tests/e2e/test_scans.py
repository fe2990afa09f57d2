"""Pages without words: shown to a model that sees, and named where none does."""

from tests.e2e.conftest import Stage
from tests.media.files import scan


async def test_scanned_pdf_is_shown_to_vision_model(stage: Stage) -> None:
    await stage.start(OPENAI_MODEL="qwen3-vl-plus")
    await stage.ann.document(stage.home, scan("", "words", ""), "scan.pdf", "application/pdf")
    await stage.replies(1)
    await stage.ann.say(stage.home, "thanks")
    await stage.replies(2)
    first, second = (request.messages for request in stage.model.requests)
    assert [message.images for message in second[: len(first)]] == [message.images for message in first]
    assert len(first[-1].images) == 2
    assert "[file scan.pdf: no text on pages 1, 3 of 3; shown as pictures]" in first[-1].text


async def test_who_sees_nothing_is_told_which_pages_lack(stage: Stage) -> None:
    await stage.start(OPENAI_MODEL="qwen-plus")
    await stage.ann.document(stage.home, scan("", "words", ""), "scan.pdf", "application/pdf")
    assert any("these pages of that file: 1, 3." in reply for reply in await stage.replies(2))
    assert "no text on pages 1, 3 of 3, perhaps pictures" in stage.model.requests[0].messages[-1].text
