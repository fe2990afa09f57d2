"""sendPhoto, as a real server takes and refuses it."""

import pytest
from telegram import Bot, ForceReply
from telegram.error import BadRequest

from sandbox.botapi import Chat

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


async def test_a_message_that_asks_for_a_reply_says_so(bot: Bot, chat: Chat) -> None:
    sent = await bot.send_message(chat.id, "which?", reply_markup=ForceReply(selective=True))
    assert chat.message(sent.message_id).asks
