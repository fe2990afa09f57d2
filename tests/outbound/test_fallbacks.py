"""What a delivery does when Telegram, or an older server, does not take it as it is."""

import asyncio
from dataclasses import replace

import pytest

from bot.errors import Undeliverable
from bot.outbound.content import Document
from tests.outbound.double import GROUP, PRIVATE, RICH, connected
from tests.outbound.test_delivery import TABLE, deliver


async def test_older_server_gets_text_for_good() -> None:
    """A server without rich messages gets text with entities, and is not asked again."""
    async with connected(*RICH, reply_format="rich") as line:
        await deliver(line.sender, "**a**")
        await deliver(line.sender, "**b**")
        assert line.api.methods == ["sendRichMessage", "sendMessage", "sendMessage"]
        assert line.api.calls[1].text == "a"
        assert '"bold"' in line.api.calls[1].fields["entities"]


async def test_older_server_edits_begun_message_as_text() -> None:
    async with connected(*RICH, reply_format="rich") as line:
        parts = await deliver(line.sender, "**a**", GROUP, begun=55)
        assert [part.message_id for part in parts] == [55]
        assert line.api.methods == ["editMessageText", "editMessageText"]
        assert line.api.calls[1].text == "a"
        assert not line.features.rich


@pytest.mark.parametrize("sentence", ["message can't be edited", "There is no text in the message to edit"])
async def test_preview_refused_as_rich_stays_text(sentence: str) -> None:
    async with connected() as line:
        line.api.refuse("editMessageText", 400, f"Bad Request: {sentence}")
        parts = await deliver(line.sender, TABLE, GROUP, begun=55)
        assert [part.message_id for part in parts] == [55]
        assert line.api.methods == ["editMessageText", "editMessageText"]
        assert line.api.calls[1].text == "a | b\n--+--\n1 | 2"


async def test_uneditable_message_is_sent_again() -> None:
    async with connected() as line:
        line.api.refuse("editMessageText", 400, "Bad Request: message can't be edited", times=2)
        assert len(await deliver(line.sender, TABLE, GROUP, begun=55)) == 1
        assert line.api.methods == ["editMessageText", "editMessageText", "sendMessage"]


REFUSALS = [
    "Bad Request: RICH_MESSAGE_INVALID",
    "Bad Request: can't parse rich message: unsupported tag",
    "Bad Request: unknown parameter rich_message",
]


@pytest.mark.parametrize("sentence", REFUSALS)
async def test_a_refused_rich_message_goes_out_with_entities(sentence: str) -> None:
    async with connected(reply_format="rich") as line:
        line.api.refuse("sendRichMessage", 400, sentence)
        await deliver(line.sender, "**a**")
        await deliver(line.sender, "**b**")
        assert line.api.methods == ["sendRichMessage", "sendMessage", "sendRichMessage"]


@pytest.mark.parametrize("sentence", ["Bad Request: can't parse entities: x", "Bad Request: ENTITY_BOUNDS_INVALID"])
async def test_refused_entities_go_out_as_plain_text(sentence: str) -> None:
    async with connected(*RICH) as line:
        line.api.refuse("sendMessage", 400, sentence)
        await deliver(line.sender, "**a**")
        assert line.api.calls[-1].text == "**a**"
        assert "entities" not in line.api.calls[-1].fields


async def test_each_part_falls_back_on_its_own() -> None:
    source = "\n\n".join(f"**{'x' * 3000}**" for _ in range(3))
    async with connected(*RICH) as line:
        line.api.refuse("sendMessage", 400, "Bad Request: can't parse entities")
        await deliver(line.sender, source)
        formatted = ["entities" in call.fields for call in line.api.of("sendMessage")]
    assert formatted == [True, False, True, True]


async def test_text_the_converter_drops_is_sent_verbatim() -> None:
    async with connected() as line:
        await deliver(line.sender, "[only]: https://defined.org/x")
        assert [(call.method, call.text) for call in line.api.calls] == [
            ("sendMessage", "[only]: https://defined.org/x")
        ]


@pytest.mark.parametrize("wait", [10, 230])
async def test_a_flood_limit_is_waited_out(wait: int) -> None:
    async with connected(reply_format="rich") as line:
        line.api.refuse("sendRichMessage", 429, "Too Many Requests", retry_after=wait)
        began = line.now()
        assert await deliver(line.sender, "a")
        assert line.api.methods == ["sendRichMessage", "sendRichMessage"]
        assert line.now() - began >= wait


async def test_trouble_is_waited_out_with_growing_pauses() -> None:
    """No pause is longer than 30 seconds."""
    async with connected(reply_format="rich") as line:
        line.api.refuse("sendRichMessage", 502, "Bad Gateway", times=7)
        began = line.now()
        assert await deliver(line.sender, "a")
        assert len(line.api.calls) == 8
        assert 90 < sum(line.halts) < 130
        assert line.now() - began >= sum(line.halts)


async def test_a_request_that_timed_out_is_sent_again() -> None:
    async with connected(patience=0.1) as line:
        line.api.slowness = 0.2
        delivery = asyncio.create_task(deliver(line.sender, "a"))
        await asyncio.sleep(0.15)
        line.api.slowness = 0
        assert await delivery
        assert len(line.api.calls) >= 2


async def test_a_token_that_was_revoked_loses_no_reply() -> None:
    async with connected(*RICH) as line:
        line.api.refuse("sendMessage", 401, "Unauthorized")
        assert await deliver(line.sender, "a")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (403, "Forbidden: bot was blocked by the user"),
        (400, "Bad Request: chat not found"),
        (400, "Bad Request: message thread not found"),
        (400, "Bad Request: not enough rights to send text messages to the chat"),
    ],
)
async def test_missing_chat_is_undeliverable_at_once(code: int, sentence: str) -> None:
    async with connected(reply_format="rich") as line:
        line.api.refuse("sendRichMessage", code, sentence)
        with pytest.raises(Undeliverable, match=sentence.split(": ")[1][1:]):
            await deliver(line.sender, "a")
        assert len(line.api.calls) == 1


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (413, "Request Entity Too Large"),
        (400, "Bad Request: not enough rights to send rich messages to the chat"),
        (403, "Forbidden: RICH_MESSAGES_FORBIDDEN"),
    ],
)
async def test_where_only_rich_ones_are_refused_text_arrives(code: int, sentence: str) -> None:
    async with connected(reply_format="rich") as line:
        line.api.refuse("sendRichMessage", code, sentence)
        await deliver(line.sender, "a")
        assert line.api.methods == ["sendRichMessage", "sendMessage"]
        assert line.features.rich


async def test_migrated_group_is_undeliverable_with_new_id() -> None:
    async with connected(reply_format="rich") as line:
        line.api.refuse("sendRichMessage", 400, "Bad Request: group upgraded", migrate_to_chat_id=-100123)
        with pytest.raises(Undeliverable, match="-100123"):
            await deliver(line.sender, "a", GROUP)


async def test_message_refused_as_plain_text_is_undeliverable() -> None:
    async with connected(*RICH) as line:
        line.api.refuse("sendMessage", 400, "Bad Request: anything", times=2)
        with pytest.raises(Undeliverable):
            await deliver(line.sender, "**a**", PRIVATE)


GONE = ["message thread not found", "TOPIC_DELETED", "TOPIC_CLOSED", "TOPIC_ID_INVALID", "MESSAGE_THREAD_INVALID"]
IN_TOPIC = replace(PRIVATE, thread_id=4)


@pytest.mark.parametrize("sentence", GONE)
async def test_private_answer_without_topic_goes_to_chat(sentence: str) -> None:
    async with connected(reply_format="rich") as line:
        line.api.refuse("sendRichMessage", 400, f"Bad Request: {sentence}")
        assert await deliver(line.sender, "**a**", IN_TOPIC)
        first, second = line.api.calls
        assert (first.fields["message_thread_id"], second.fields.get("message_thread_id")) == ("4", None)
        assert second.html == first.html


@pytest.mark.parametrize("method", ["sendMessage", "sendDocument"])
async def test_notices_and_files_go_without_their_topic_too(method: str) -> None:
    async with connected() as line:
        line.api.refuse(method, 400, "Bad Request: message thread not found")
        if method == "sendMessage":
            assert await line.sender.notice(IN_TOPIC, "a")
        else:
            assert await line.sender.upload(IN_TOPIC, Document(b"a", "a.txt", ""))
        assert [call.fields.get("message_thread_id") for call in line.api.of(method)] == ["4", None]


async def test_group_answer_never_leaves_its_topic() -> None:
    async with connected() as line:
        line.api.refuse("sendMessage", 400, "Bad Request: message thread not found")
        with pytest.raises(Undeliverable):
            await deliver(line.sender, "a", replace(GROUP, thread_id=4))


async def test_one_401_turns_rich_messages_off_for_nobody() -> None:
    async with connected(reply_format="rich") as line:
        line.api.refuse("sendRichMessage", 401, "Unauthorized")
        await deliver(line.sender, "**a**")
        assert line.features.rich
        assert line.api.methods == ["sendRichMessage", "sendRichMessage"]
