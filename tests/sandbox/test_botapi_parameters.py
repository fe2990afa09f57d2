"""What the server refuses, in Telegram's words; raw requests, since the client would not send most of it."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import httpx
import pytest
from telegram import Bot, ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity, ReplyParameters
from telegram import User as TelegramUser
from telegram.error import BadRequest

from sandbox.botapi import BotApi, Chat
from sandbox.botapi.method_table import METHODS

ENTITY = {"type": "bold", "offset": 0, "length": 1}


@dataclass(frozen=True, slots=True)
class Caller:
    api: BotApi
    http: httpx.AsyncClient

    @property
    def chat(self) -> Chat:
        return self.api.private(self.api.user("Ann"))

    async def __call__(self, method: str, **params: object) -> httpx.Response:
        return await self.http.post(f"/bot{self.api.token}/{method}", json=params)

    async def reason(self, method: str, **params: object) -> str:
        body = (await self(method, **params)).json()
        assert (body["ok"], body["error_code"]) == (False, 400)
        return str(body["description"])


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    api = BotApi()
    async with api.run() as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        yield Caller(api, http)


async def test_an_unknown_method_is_not_found(call: Caller) -> None:
    response = await call("sendTelegram")
    assert response.status_code == 404
    assert response.json() == {"ok": False, "error_code": 404, "description": "Not Found: method not found"}


async def test_parameters_come_in_any_form_and_case(call: Caller) -> None:
    """They come in the query, in either kind of form or as JSON; method names ignore case."""
    given = {"chat_id": str(call.chat.id), "text": "hi", "entities": json.dumps([ENTITY])}
    path = f"/bot{call.api.token}/SENDMESSAGE"
    answers = [
        await call.http.get(path, params=given),
        await call.http.post(path, data=given),
        await call.http.post(path, files={name: (None, value) for name, value in given.items()}),
        await call("sendMessage", chat_id=call.chat.id, text="hi", entities=[ENTITY]),
    ]
    assert [answer.json()["result"]["entities"] for answer in answers] == [[ENTITY]] * 4
    assert {one.method for one in call.api.calls} == {"sendMessage"}


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, "message text is empty"),
        ({"text": "  \n"}, "message text is empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "😀" * 2049}, "message is too long"),
        ({"text": 5}, 'field "text" must be of type String'),
        ({"text": "x", "colour": "red"}, 'unknown parameter "colour"'),
        ({"text": "x", "parse_mode": "HTML"}, "the sandbox does not support parse_mode"),
        ({"text": "x", "disable_notification": "perhaps"}, 'field "disable_notification" must be of type Boolean'),
        ({"text": "x", "entities": "[{"}, "can't parse entities JSON object"),
        ({"text": "x", "entities": {}}, 'field "entities" must be of type Array'),
        ({"text": "x", "entities": [{"type": "bold"}]}, 'field "length" is missing in entities'),
        ({"text": "x", "entities": [ENTITY | {"size": 1}]}, 'unknown field "size" in entities'),
        ({"text": "x", "entities": [ENTITY | {"type": "loud"}]}, 'unsupported entity type "loud"'),
        ({"text": "x", "entities": [ENTITY | {"length": 2}]}, "entity ends after the end of the text"),
        ({"text": "x", "entities": [ENTITY | {"offset": -1}]}, "entity has invalid offset"),
        ({"text": "x", "entities": [ENTITY | {"length": 0}]}, "entity has invalid offset"),
        ({"text": "😀", "entities": [ENTITY]}, "in a middle of a UTF-16 symbol"),
        ({"text": "x", "entities": [ENTITY | {"type": "text_link"}]}, 'field "url" is missing'),
        ({"text": "x", "reply_parameters": {"message_id": 9}}, "message to be replied not found"),
        ({"text": "x", "message_thread_id": 9}, "message thread not found"),
        ({"text": "x", "chat_id": "@nobody"}, "chat not found"),
        ({"text": "x", "chat_id": None}, "chat_id is empty"),
        ({"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "Undo"}]]}}, "text buttons are unallowed"),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "Undo", "callback_data": "é" * 33}]]}},
            "BUTTON_DATA_INVALID",
        ),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "Undo", "callback_data": ""}]]}},
            "BUTTON_DATA_INVALID",
        ),
        ({"text": "x", "reply_markup": {"keyboard": []}}, 'unknown field "keyboard"'),
        ({"text": "x", "reply_markup": []}, 'field "reply_markup" must be of type Object'),
        ({"text": "x", "reply_markup": {"force_reply": True, "text": ""}}, 'unknown field "text"'),
    ],
)
async def test_a_wrong_message_is_refused(call: Caller, params: dict[str, object], reason: str) -> None:
    assert reason in await call.reason("sendMessage", **{"chat_id": call.chat.id, **params})
    assert call.chat.messages == []


async def test_the_longest_text_and_data_are_accepted(call: Caller) -> None:
    button = {"text": "Undo", "callback_data": "é" * 32}
    response = await call(
        "sendMessage", chat_id=call.chat.id, text="😀" * 2048, reply_markup={"inline_keyboard": [[button]]}
    )
    assert response.json()["result"]["reply_markup"]["inline_keyboard"] == [[button]]


async def test_trailing_blanks_and_their_entities_are_cut(call: Caller) -> None:
    entities = [ENTITY | {"length": 4}, {"type": "italic", "offset": 3, "length": 1}]
    sent = (await call("sendMessage", chat_id=call.chat.id, text="hi \n", entities=entities)).json()["result"]
    assert (sent["text"], sent["entities"]) == ("hi", [ENTITY | {"length": 2}])
    edit = {"chat_id": call.chat.id, "message_id": sent["message_id"], "text": "hi\n\n", "entities": sent["entities"]}
    assert "message is not modified" in await call.reason("editMessageText", **edit)


@pytest.mark.parametrize(
    ("version", "missing"),
    [
        ("9.2", {"sendMessageDraft", "sendRichMessage", "sendRichMessageDraft"}),
        ("9.3", {"sendRichMessage", "sendRichMessageDraft"}),
        ("10.1", set()),
        ("10.3", set()),
    ],
)
async def test_older_server_lacks_newer_methods(version: str, missing: set[str]) -> None:
    api = BotApi(version=version)
    async with api.run() as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        answers = {name: await http.get(f"/bot{api.token}/{name}") for name in METHODS}
    unknown = {name for name, answer in answers.items() if answer.status_code == 404}
    assert {name for name in unknown if "Ephemeral" not in name} == missing
    assert any("Ephemeral" in name for name in unknown) == (version != "10.3")


async def test_older_server_ignores_rich_edit_without_text() -> None:
    """It refuses the edit, since the text is missing."""
    api = BotApi(version="9.3")
    async with api.run() as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        call = Caller(api, http)
        sent = (await call("sendMessage", chat_id=call.chat.id, text="hi")).json()["result"]
        edit = {"chat_id": call.chat.id, "message_id": sent["message_id"], "rich_message": {"html": "<p>x</p>"}}
        assert await call.reason("editMessageText", **edit) == "Bad Request: message text is empty"


async def test_a_multipart_form_keeps_every_character(call: Caller) -> None:
    text = "--one\r\ntwo\n\n  Content-Type: x\rthree \u2028😀 =3D"
    form = {"chat_id": (None, str(call.chat.id)), "text": (None, text)}
    response = await call.http.post(f"/bot{call.api.token}/sendMessage", files=form)
    assert response.json()["result"]["text"] == text


@pytest.mark.parametrize(
    ("media_type", "body", "reason"),
    [
        ("text/xml", b"<x/>", "does not read a body of type 'text/xml'"),
        ("application/x-www-form-urlencoded", b"text=\xff", "must be encoded in UTF-8"),
        ("application/json", b'"\xff"', "can't parse JSON object"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="photo"; filename="x"\r\n\r\nx\r\n--b--',
            'unknown parameter "photo"',
        ),
    ],
)
async def test_unreadable_body_is_refused(call: Caller, media_type: str, body: bytes, reason: str) -> None:
    path = f"/bot{call.api.token}/getMe"
    response = await call.http.post(path, content=body, headers={"content-type": media_type})
    assert response.status_code == 400
    assert reason in response.json()["description"]


async def test_unknown_numbers_and_ids_are_refused(call: Caller) -> None:
    too_old = "query is too old and response timeout expired or query ID is invalid"
    assert too_old in await call.reason("answerCallbackQuery", callback_query_id="7")
    for number in ("last", 2**63, str(2**63)):
        reason = await call.reason("deleteMessage", chat_id=call.chat.id, message_id=number)
        assert "must be of type Integer" in reason
    assert "user not found" in await call.reason("getChatMember", chat_id=call.chat.id, user_id=7)
    assert "wrong parameter action" in await call.reason("sendChatAction", chat_id=call.chat.id, action="sing")
    assert "BotCommandScope" in await call.reason("getMyCommands", scope={"type": "chat"})


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
