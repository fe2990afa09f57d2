"""sendPhoto, sendVoice and sendDocument, as a real server takes and refuses them."""

import pytest
from telegram import Bot, ForceReply
from telegram.error import BadRequest, NetworkError

from sandbox.botapi import Chat, parameters

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


async def test_a_picture_arrives_with_its_caption(bot: Bot, chat: Chat) -> None:
    sent = await bot.send_photo(chat.id, PNG, "look")
    message = chat.message(sent.message_id)
    assert (message.photo, message.text) == (PNG, "look")
    assert sent.photo[0].file_size == len(PNG)


async def test_what_is_no_picture_is_refused(bot: Bot, chat: Chat) -> None:
    with pytest.raises(BadRequest, match=r"(?i)image_process_failed"):
        await bot.send_photo(chat.id, b"GIF89a", "look")


async def test_a_caption_has_1024_characters_at_most(bot: Bot, chat: Chat) -> None:
    await bot.send_photo(chat.id, PNG, "x" * 1024)
    with pytest.raises(BadRequest, match="caption is too long"):
        await bot.send_photo(chat.id, PNG, "x" * 1025)


async def test_message_with_force_reply_is_marked(bot: Bot, chat: Chat) -> None:
    sent = await bot.send_message(chat.id, "which?", reply_markup=ForceReply(selective=True))
    assert chat.message(sent.message_id).asks


async def test_a_document_arrives_with_its_name(bot: Bot, chat: Chat) -> None:
    sent = await bot.send_document(chat.id, b"{}", "all of it", filename="a.json")
    message = chat.message(sent.message_id)
    assert (message.document, message.file_name, message.text) == (b"{}", "a.json", "all of it")
    assert sent.document is not None
    assert (sent.document.file_name, sent.document.mime_type) == ("a.json", "application/json")


async def test_a_voice_note_is_ogg(bot: Bot, chat: Chat) -> None:
    sent = await bot.send_voice(chat.id, b"OggS sound", caption="listen")
    message = chat.message(sent.message_id)
    assert (message.voice, message.text) == (b"OggS sound", "listen")
    with pytest.raises(BadRequest, match=r"(?i)ogg with opus"):
        await bot.send_voice(chat.id, b"RIFF sound")


async def test_empty_file_and_url_are_refused(bot: Bot, chat: Chat) -> None:
    with pytest.raises(BadRequest, match=r"(?i)file must be non-empty"):
        await bot.send_document(chat.id, b"", filename="a.json")
    with pytest.raises(BadRequest, match="as an upload only"):
        await bot.send_document(chat.id, "https://example.org/a.json")


async def test_more_than_50_megabytes_are_not_taken(bot: Bot, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "MOST_UPLOADED", 10)
    with pytest.raises(NetworkError, match="Request Entity Too Large"):
        await bot.send_document(chat.id, b"12345678901", filename="a.json")
