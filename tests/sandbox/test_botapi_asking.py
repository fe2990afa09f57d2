"""A message that asks for a reply: what Telegram takes of it, and whose reply it opens."""

from collections.abc import Mapping

import pytest
from telegram import Bot, ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity, ReplyParameters
from telegram import User as TelegramUser
from telegram.error import BadRequest

from sandbox.botapi import BotApi, Chat

ANN_ID = 4


@pytest.mark.parametrize(
    "markup",
    [{"force_reply": False}, {"force_reply": True, "input_field_placeholder": "x" * 65}, {"remove_keyboard": False}],
)
async def test_what_telegram_does_not_take(bot: Bot, chat: Chat, markup: Mapping[str, object]) -> None:
    with pytest.raises(BadRequest):
        await bot.send_message(chat.id, "which?", api_kwargs={"reply_markup": markup})


async def test_it_can_not_be_edited(bot: Bot, chat: Chat) -> None:
    sent = await bot.send_message(chat.id, "which?", reply_markup=ForceReply(input_field_placeholder="a word"))
    assert chat.message(sent.message_id).placeholder == "a word"
    keyboard = InlineKeyboardMarkup.from_button(InlineKeyboardButton("Cancel", callback_data="cancel:1"))
    with pytest.raises(BadRequest, match="can't be edited"):
        await bot.edit_message_reply_markup(chat.id, sent.message_id, reply_markup=keyboard)


async def test_a_selective_one_opens_the_reply_of_some(bot: Bot, api: BotApi) -> None:
    ann = api.user("Ann", ANN_ID)
    group = api.group("Friends", [ann])
    said = await ann.say(group, "hello")
    name = MessageEntity(MessageEntity.TEXT_MENTION, 0, 3, user=TelegramUser(ANN_ID, "Ann", is_bot=False))
    cases = [({}, ()), ({"entities": [name]}, (ANN_ID,)), ({"reply_parameters": ReplyParameters(said.id)}, (ANN_ID,))]
    for more, opened in cases:
        sent = await bot.send_message(group.id, "Ann: which?", reply_markup=ForceReply(selective=True), **more)  # type: ignore[arg-type]
        assert group.message(sent.message_id).opened_for == opened
