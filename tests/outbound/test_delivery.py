import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from unittest.mock import AsyncMock

import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.errors import Undeliverable
from bot.outbound.content import Destination
from bot.outbound.delivery import DeliveredPart, Deliverer
from tests.outbound.documents import Document, first_seen, words
from tests.outbound.double import GROUP, PRIVATE, RICH, BotApi, connected

LONG = Document(5, 40_000).source
TABLE = "| a | b |\n|---|---|\n| 1 | 2 |"


async def deliver(
    sender: Deliverer, source: str, to: Destination = PRIVATE, offset: int = 0, begun: int | None = None
) -> list[DeliveredPart]:
    parts: list[DeliveredPart] = []

    async def arrived(part: DeliveredPart) -> None:
        parts.append(part)

    await sender.deliver(to, source, arrived, offset=offset, begun=begun)
    return parts


def shown(api: BotApi) -> list[str]:
    return [call.html if "rich_message" in call.fields else call.text for call in api.calls]


async def test_a_reply_is_text_with_entities() -> None:
    async with connected() as line:
        assert await deliver(line.sender, "**a**") == [DeliveredPart(101, 5)]
        (call,) = line.api.calls
    assert (call.method, call.text) == ("sendMessage", "a")
    assert '"bold"' in call.fields["entities"]


async def test_every_part_of_an_answer_has_its_form() -> None:
    source = "**words** without end, " * 3000 + "\n\n" + TABLE
    async with connected() as line:
        parts = await deliver(line.sender, source)
        assert len(parts) > 2
        assert set(line.api.methods) == {"sendRichMessage"}


async def test_the_form_is_the_same_after_a_crash() -> None:
    source = f"{TABLE}\n\n" + "**words** without end, " * 3000
    async with connected() as line:
        await deliver(line.sender, source, offset=len(source) // 2)
        assert set(line.api.methods) == {"sendRichMessage"}


async def test_text_is_never_rich() -> None:
    async with connected(reply_format="text") as line:
        await deliver(line.sender, f"{TABLE}\n\n$x^2$")
        (call,) = line.api.calls
    assert (call.method, call.text) == ("sendMessage", "a | b\n--+--\n1 | 2\n\nx^2")
    assert '"pre"' in call.fields["entities"]
    assert '"code"' in call.fields["entities"]


@pytest.mark.parametrize(
    ("chosen", "source", "method"), [("rich", "a", "sendRichMessage"), ("text", TABLE, "sendMessage")]
)
async def test_the_choice_of_a_chat_comes_first(chosen: str, source: str, method: str) -> None:
    async with connected() as line:
        await line.sender.deliver(PRIVATE, source, AsyncMock(), reply_format=chosen)
        assert line.api.methods == [method]


@pytest.mark.parametrize("length", [4096, 4097, 32_768])
async def test_long_text_takes_several_messages(length: int) -> None:
    source = "word " * (length // 5) + "x" * (length % 5)
    async with connected() as line:
        parts = await deliver(line.sender, source, GROUP, begun=55)
        calls = line.api.calls
    assert -(-length // 4096) <= len(calls) <= -(-length // 4096) + 1
    assert " ".join(call.text for call in calls).split() == source.split()
    assert [call.method for call in calls] == ["editMessageText"] + ["sendMessage"] * (len(calls) - 1)
    assert parts[0].message_id == 55


async def test_a_text_previews_no_page() -> None:
    async with connected() as line:
        await deliver(line.sender, "https://example.org")
        await deliver(line.sender, "https://example.org", begun=55)
        options = [json.loads(call.fields["link_preview_options"]) for call in line.api.calls]
    assert options == [{"is_disabled": True}] * 2


async def test_rich_is_one_rich_message() -> None:
    async with connected(reply_format="rich") as line:
        assert await deliver(line.sender, "**a**") == [DeliveredPart(101, 5)]
        (call,) = line.api.calls
    assert call.method == "sendRichMessage"
    assert call.html == "<p><b>a</b></p>"


@pytest.mark.parametrize("unknown", [(), RICH])
async def test_a_long_reply_arrives_whole_and_in_order(unknown: tuple[str, ...]) -> None:
    async with connected(*unknown) as line:
        parts = await deliver(line.sender, LONG)
        texts = shown(line.api)[len(unknown) // 2 :]
    assert first_seen(texts) == words(LONG)
    assert [part.end for part in parts] == sorted({part.end for part in parts})
    assert parts[-1].end == len(LONG)


@pytest.mark.parametrize("unknown", [(), RICH])
async def test_delivery_resumes_after_crash_without_duplicates(unknown: tuple[str, ...]) -> None:
    async with connected(*unknown) as line:
        ends: list[int] = []

        async def crash(part: DeliveredPart) -> None:
            ends.append(part.end)
            raise RuntimeError

        with suppress(RuntimeError):
            await line.sender.deliver(PRIVATE, LONG, crash)
        await deliver(line.sender, LONG, offset=ends[0])
        texts = shown(line.api)[len(unknown) // 2 :]
    assert first_seen(texts) == words(LONG)


async def test_part_is_recorded_before_next_is_sent() -> None:
    async with connected(*RICH) as line:
        sent: list[int] = []

        async def arrived(part: DeliveredPart) -> None:
            sent.append(len(line.api.of("sendMessage")))

        await line.sender.deliver(PRIVATE, LONG, arrived)
    assert sent == list(range(1, len(sent) + 1))


async def test_only_first_part_quotes() -> None:
    """The quoted message may be gone."""
    async with connected(*RICH) as line:
        await deliver(line.sender, LONG, GROUP)
        first, *others = line.api.of("sendMessage")
    assert json.loads(first.fields["reply_parameters"]) == {"message_id": 3, "allow_sending_without_reply": True}
    assert others
    assert not any("reply_parameters" in call.fields for call in others)


async def test_a_reply_stays_in_its_topic() -> None:
    async with connected() as line:
        await deliver(line.sender, "a", replace(GROUP, thread_id=9))
        assert line.api.calls[0].fields["message_thread_id"] == "9"


async def test_a_begun_message_becomes_the_first_part() -> None:
    async with connected(reply_format="rich") as line:
        assert await deliver(line.sender, "**a**", GROUP, begun=55) == [DeliveredPart(55, 5)]
        (call,) = line.api.calls
    assert (call.method, call.fields["message_id"], call.html) == ("editMessageText", "55", "<p><b>a</b></p>")


async def test_later_part_is_not_a_reply() -> None:
    async with connected(reply_format="rich") as line:
        await deliver(line.sender, "a\n\nb", GROUP, offset=3)
        assert line.api.methods == ["sendRichMessage"]
        assert "reply_parameters" not in line.api.calls[0].fields


async def test_message_found_becomes_later_part() -> None:
    async with connected(reply_format="rich") as line:
        assert await deliver(line.sender, "a\n\nb", GROUP, offset=3, begun=55) == [DeliveredPart(55, 4)]
        assert line.api.methods == ["editMessageText"]


async def test_begun_message_already_complete_is_done() -> None:
    async with connected() as line:
        line.api.refuse("editMessageText", 400, "Bad Request: message is not modified: specified new ...")
        assert await deliver(line.sender, "a", GROUP, begun=55) == [DeliveredPart(55, 1)]
        assert len(line.api.calls) == 1


async def test_missing_begun_message_is_sent_again() -> None:
    async with connected(reply_format="rich") as line:
        line.api.refuse("editMessageText", 400, "Bad Request: message to edit not found")
        assert await deliver(line.sender, "a", GROUP, begun=55) == [DeliveredPart(102, 1)]
        assert line.api.methods == ["editMessageText", "sendRichMessage"]


async def test_a_notice_is_plain_and_has_its_keyboard() -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Undo", callback_data="undo")]])
    async with connected() as line:
        assert await line.sender.notice(PRIVATE, "**as** it is", keyboard) == 101
        (call,) = line.api.calls
    assert (call.method, call.text) == ("sendMessage", "**as** it is")
    assert "entities" not in call.fields
    assert "Undo" in call.fields["reply_markup"]


async def test_long_notice_has_keyboard_on_last_message() -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Undo", callback_data="undo")]])
    async with connected() as line:
        assert await line.sender.notice(PRIVATE, "word " * 2000, keyboard) == 103
        calls = line.api.calls
    assert " ".join(call.text for call in calls).split() == ["word"] * 2000
    assert ["reply_markup" in call.fields for call in calls] == [False, False, True]


async def test_a_notice_can_replace_a_message() -> None:
    async with connected() as line:
        assert await line.sender.notice(PRIVATE, "Undone.", edit=55) == 55
        assert line.api.calls[0].fields["message_id"] == "55"


async def test_notice_refused_by_telegram_is_undeliverable() -> None:
    async with connected() as line:
        line.api.refuse("sendMessage", 400, "Bad Request: message text is empty")
        with pytest.raises(Undeliverable):
            await line.sender.notice(PRIVATE, "x")


async def test_messages_are_deleted_by_hundreds_where_allowed() -> None:
    async with connected() as line:
        line.api.refuse("deleteMessages", 400, "Bad Request: message can't be deleted")
        await line.sender.delete(7, range(1, 151))
        sizes = [len(json.loads(call.fields["message_ids"])) for call in line.api.calls]
    assert sizes == [100, 50]


async def test_a_keyboard_is_dropped_or_left() -> None:
    async with connected() as line:
        line.api.refuse("editMessageReplyMarkup", 400, "Bad Request: message to edit not found")
        await line.sender.drop_keyboard(7, 8)
        await line.sender.drop_keyboard(7, 9)
        assert [call.fields["message_id"] for call in line.api.calls] == ["8", "9"]


async def test_a_delivery_can_be_cancelled_while_it_waits() -> None:
    async with connected(reply_format="rich") as line:
        line.api.refuse("sendRichMessage", 429, "Too Many Requests: retry after 230", retry_after=230_000)
        delivery = asyncio.create_task(deliver(line.sender, "a"))
        await asyncio.sleep(0.1)
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery


async def test_only_the_last_part_rings() -> None:
    async with connected() as line:
        await deliver(line.sender, "word " * 2500)
        quiet = [call.fields.get("disable_notification") for call in line.api.of("sendMessage")]
    assert len(quiet) > 2
    assert quiet == ["true"] * (len(quiet) - 1) + [None]
