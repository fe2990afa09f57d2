"""Pictures, voice messages and documents, from Telegram to the model."""

import json
import re

import pytest

from bot.conversation.tokens import estimate
from sandbox.botapi import sent_media
from sandbox.model import Fail, Say
from tests.e2e import tables
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import group
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import SMALL, Model, compact, say, talk
from tests.media.files import exif, pdf, picture, word
from tests.selection import first

BLIND = Fail(400, "messages[1]: unknown variant `image_url`, expected `text`")


def _parts(stage: Stage, request: int, message: int = -1) -> list[str]:
    """The kinds of the parts of a message, in order; its words where they are."""
    content = json.loads(stage.model.requests[request].messages[message].raw)["content"]
    if isinstance(content, str):
        return [_plain(content)]
    return [_plain(part["text"]) if part["type"] == "text" else part["type"] for part in content]


def _plain(text: str) -> str:
    return re.sub(r"\[\w{3} \d{4}-\d\d-\d\d \d\d:\d\d\] ", "", text)


async def test_photo_precedes_its_words_with_stable_bytes(stage: Stage, hurry: None) -> None:
    await stage.start()
    shown = picture(1000, 700, exif=exif(place=True))
    await stage.ann.photo(stage.home, shown, "what is this?")
    await stage.replies(1)
    assert _parts(stage, 0) == ["image_url", "[photo]\nwhat is this?"]
    await stage.ann.say(stage.home, "and which colour?")
    await stage.replies(2)
    first, second = stage.model.requests
    assert second.messages[1].raw == first.messages[1].raw
    assert b"Camera of Ann" not in second.messages[1].images[0]
    assert stage.environment["TELEGRAM_BOT_TOKEN"].encode() not in first.body
    assert b"api.telegram" not in first.body
    assert b"/file/bot" not in first.body


@pytest.mark.long
async def test_largest_photo_size_within_limit_is_sent(stage: Stage, hurry: None) -> None:
    await stage.start()
    await stage.ann.photo(stage.home, picture(4000, 3000), "big")
    await stage.replies(1)
    [sent] = stage.model.requests[0].messages[-1].images
    assert sent_media.photo(stage.ann.files, sent)["photo"][-1]["width"] == 1280  # type: ignore[index]


async def test_album_is_one_turn_wherever_caption_is(stage: Stage, hurry: None) -> None:
    await stage.start()
    pictures = [picture(100 + at, 80) for at in range(4)]
    await stage.ann.album(stage.home, pictures, "which is best?", caption_at=2)
    await stage.replies(1)
    assert len(stage.model.requests) == 1
    assert _parts(stage, 0) == [
        "image_url",
        "[photo]",
        "image_url",
        "\n[photo]",
        "image_url",
        "\n[photo]\nwhich is best?",
        "image_url",
        "\n[photo]",
    ]
    assert list(stage.model.requests[0].messages[-1].images) == pictures


async def test_files_stickers_and_thumbnails_are_pictures_too(stage: Stage, hurry: None) -> None:
    await stage.start()
    files, ann, home = stage.ann.files, stage.ann, stage.home
    thumbnail = picture(200, 150)
    await ann.document(home, picture(kind="PNG"), "drawing.png", "image/png", "my drawing")
    await stage.replies(1)
    await ann.send(home, sent_media.sticker(files, picture(kind="WEBP"), "😀"))
    await stage.replies(2)
    await ann.send(home, sent_media.sticker(files, b"tgs", "😀", animated=True, thumbnail=thumbnail))
    await stage.replies(3)
    await ann.send(home, sent_media.animation(files, thumbnail))
    await stage.replies(4)
    await ann.send(home, sent_media.video(files, thumbnail, 65), "my holidays")
    await stage.replies(5)
    assert [len(request.messages[-1].images) for request in stage.model.requests] == [1] * 5
    assert "1:05" in _parts(stage, 4)[1]


async def test_quoted_photo_is_part_of_question(stage: Stage, hurry: None) -> None:
    """In a group too."""
    await stage.start()
    friends, [ann, bob] = group(stage, "Bob")
    shown = await bob.photo(friends, picture(), "our cat")
    await ann.say(friends, "Keepsake, which animal is this?", reply_to=shown)
    await friends.wait(1, PATIENCE_S)
    parts = _parts(stage, 0)
    assert parts[0].startswith("Bob: [photo]")
    assert parts[1] == "image_url"
    assert parts[2].endswith("Ann: Keepsake, which animal is this?")


async def test_vision_model_answers_while_picture_in_window(stage: Stage, hurry: None) -> None:
    await stage.start(OPENAI_MODEL="qwen-plus", VISION_MODEL="qwen3-vl-plus")
    await stage.ann.say(stage.home, "hello")
    await stage.replies(1)
    await stage.ann.photo(stage.home, picture())
    await stage.replies(2)
    await stage.ann.say(stage.home, "thanks")
    await stage.replies(3)
    assert [request.model for request in stage.model.requests] == ["qwen-plus", "qwen3-vl-plus", "qwen3-vl-plus"]


async def test_picture_is_kept_for_a_later_vision_model(stage: Stage, hurry: None) -> None:
    """Where no model can see, the user hears that."""
    await stage.start(OPENAI_MODEL="qwen-plus")
    await stage.ann.photo(stage.home, picture())
    assert "can't see pictures" in (await stage.replies(1))[0]
    assert stage.model.requests == []
    await stage.ann.photo(stage.home, picture(80, 80), "and what is that?")
    assert len(await stage.replies(3)) == 3
    assert _parts(stage, 0)[0].endswith("[photo]\nand what is that?")
    await stage.end()
    await stage.start(VISION_MODEL="qwen3-vl-plus")
    await stage.ann.say(stage.home, "now?")
    await stage.replies(4)
    request = stage.model.requests[1]
    assert (request.model, sum(len(message.images) for message in request.messages)) == ("qwen3-vl-plus", 2)


async def test_server_refusing_pictures_is_retried_without_them(stage: Stage, hurry: None) -> None:
    stage.model.script(BLIND, Say("a guess"), Say("more"))
    await stage.start()
    await stage.ann.photo(stage.home, picture(), "what is this?")
    answer, told = await stage.replies(2)
    assert answer == "a guess"
    assert "can't see pictures" in told
    await stage.ann.say(stage.home, "go on")
    await stage.replies(3)
    assert [sum(len(one.images) for one in request.messages) for request in stage.model.requests] == [1, 0, 0]


@pytest.mark.long
async def test_one_bad_picture_does_not_spoil_the_conversation(stage: Stage, hurry: None) -> None:
    stage.model.script(Say("nice"), Fail(400, "Failed to decode the image"), Say("hm"), Say("more"))
    await stage.start()
    await stage.ann.photo(stage.home, picture())
    await stage.replies(1)
    await stage.ann.photo(stage.home, picture(90, 90), "and this?")
    _, answer, told = await stage.replies(3)
    assert (answer, "couldn't read that picture" in told) == ("hm", True)
    await stage.ann.say(stage.home, "go on")
    await stage.replies(4)
    assert [sum(len(one.images) for one in request.messages) for request in stage.model.requests] == [1, 2, 1, 1]


@pytest.mark.parametrize(
    ("content", "name", "mime"),
    first(
        [
            (pdf("The code is 4711."), "note.pdf", "application/pdf"),
            (b"The code is 4711.", "note.txt", "text/plain"),
            (word("The code is 4711."), "note.docx", "application/octet-stream"),
            (b'{"code": 4711}', "note.json", "application/json"),
        ]
    ),
    ids=["pdf", "text", "word", "json"],
)
async def test_a_document_is_read_with_its_name(
    stage: Stage, hurry: None, content: bytes, name: str, mime: str
) -> None:
    await stage.start()
    await stage.ann.document(stage.home, content, name, mime, "what is the code?")
    await stage.replies(1)
    [words] = _parts(stage, 0)
    assert name in words
    assert "4711" in words
    assert "what is the code?" in words


async def test_unsupported_document_is_refused_with_what_works(stage: Stage, hurry: None) -> None:
    await stage.start()
    await stage.ann.document(stage.home, bytes(range(256)) * 30, "program.exe", "application/octet-stream")
    assert "Markdown" in (await stage.replies(1))[0]
    assert stage.model.requests == []


async def test_too_long_document_is_cut_and_reported(stage: Stage, hurry: None) -> None:
    await stage.start(CONTEXT_WINDOW="4096")
    await stage.ann.document(stage.home, b"word " * 5000, "long.txt", "text/plain", "summarise")
    told, _ = await stage.replies(2)
    assert "only read the beginning" in told
    assert 4000 < len(stage.model.requests[0].last_words) < 5500


async def test_model_is_notified_of_unreadable_attachments(stage: Stage, hurry: None) -> None:
    await stage.start(CONTEXT_WINDOW="4096")
    await stage.ann.document(
        stage.home, bytes(range(256)) * 30, "program.exe", "application/octet-stream", "what is it?"
    )
    await stage.replies(2)
    assert _parts(stage, 0)[0].endswith(
        "[file program.exe: not readable: this kind of file can't be read]\nwhat is it?"
    )
    await stage.ann.document(stage.home, b"word " * 5000, "long.txt", "text/plain", "summarise")
    await stage.replies(4)
    assert re.search(r"\[file long.txt: only the first [1-9]\d % is below\]\nsummarise", _parts(stage, 1)[0])
    await stage.ann.document(stage.home, b"", "nothing.txt", "text/plain")
    await stage.replies(5)
    await stage.ann.say(stage.home, "and that?")
    await stage.replies(6)
    assert "[file nothing.txt: not readable: there is no text in it" in _parts(stage, 2)[0]


async def test_csv_in_old_code_page_reaches_model(stage: Stage, hurry: None) -> None:
    await stage.start()
    content = "1;Bolt M6;нет в наличии\n".encode("cp1251")
    await stage.ann.document(stage.home, content, "stock.csv", "text/csv", "what is missing?")
    await stage.replies(1)
    [words] = _parts(stage, 0)
    assert "[file stock.csv: encoding guessed: windows-1251]\nwhat is missing?" in words
    assert words.endswith("\n[text of the file]\n1;Bolt M6;нет в наличии\n[end of the file]")


async def test_forgetting_picture_deletes_its_bytes(stage: Stage, hurry: None) -> None:
    await stage.start()
    shown = await stage.ann.photo(stage.home, picture(), "our cat")
    await stage.replies(1)
    await stage.ann.say(stage.home, "/forget", reply_to=shown)
    await stage.replies(2)
    await stage.ann.press(stage.home.replies[1], "Forget it")
    await stage.home.wait(lambda chat: "Forgotten" in chat.replies[1].text, PATIENCE_S)
    await stage.ann.say(stage.home, "what did I send?")
    await stage.replies(3)
    assert stage.model.requests[1].messages[-1].images == ()
    await stage.end()  # a file that is just being read is scrubbed after that
    assert picture() not in tables.everything(stage)


async def test_compaction_replaces_picture_with_words(stage: Stage, hurry: None) -> None:
    model = Model(stage)
    model.notes = Say("## Facts and preferences\n- Ann's photo showed a half blue, half red flag.")
    await stage.start(**SMALL)
    shown = picture(700, 500)
    await stage.ann.photo(stage.home, shown, "my flag")
    await stage.replies(1)
    assert "Pictures and voice messages in view: 1" in await say(stage, "/memory")
    await talk(stage, 7)
    await compact(stage)
    [writing] = [asked for asked in model.asked if "Write the notes" in asked.last_words]
    assert [image for message in writing.messages for image in message.images] == [shown]
    told = await say(stage, "/memory")
    assert "half blue, half red" in told
    assert "Pictures" not in told
    await say(stage, "what was on my flag?")
    last = model.asked[-1]
    assert "half blue, half red" in last.messages[1].text
    assert not any(message.images for message in last.messages)


async def test_a_file_is_what_its_bytes_say(stage: Stage, hurry: None) -> None:
    await stage.start()
    await stage.ann.document(stage.home, picture(), "IMG_1.bin", "application/octet-stream", "what is it?")
    await stage.replies(1)
    assert len(stage.model.requests[0].messages[-1].images) == 1
    await stage.ann.document(stage.home, b"<svg><text>4711</text></svg>", "a.svg", "image/svg+xml", "and this?")
    await stage.replies(2)
    assert "4711" in stage.model.requests[1].last_words


@pytest.mark.parametrize("line", first(["这是一个很长的报告里面有很多内容。{at}\n", "{at},{at},{at}.00,2024-01-01\n"]))
async def test_documents_of_a_turn_share_the_window(stage: Stage, hurry: None, line: str) -> None:
    """Together they keep to their share of the window, whatever their kinds."""
    await stage.start(CONTEXT_WINDOW="32768")
    text = "".join(line.format(at=100000 + at) for at in range(20000)).encode()
    for at in range(2):
        file = sent_media.document(stage.ann.files, text + b"%d" % at, f"r{at}.csv", "text/csv")
        await stage.ann.send(stage.home, file | {"media_group_id": "9"}, "compare" if not at else None)
    await stage.replies(2)
    words = stage.model.requests[-1].last_words
    assert "r0.csv" in words
    assert "r1.csv" in words
    assert 5000 < estimate(words) < 1.3 * 32768 / 4
