import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable

import pytest

from bot import language
from bot.language import speaking
from bot.outbound.content import Destination
from bot.outbound.preview import Preview
from tests.outbound.double import BEFORE_DRAFTS, GROUP, PRIVATE, RICH, Line, connected

DRAFTS = ("sendRichMessageDraft", "sendMessageDraft")


async def ignore(message_id: int) -> None:
    pass


def preview(
    line: Line,
    to: Destination = PRIVATE,
    begun: int | None = None,
    on_begun: Callable[[int], Awaitable[None]] = ignore,
) -> Preview:
    return line.sender.preview(to, 5, begun=begun, on_begun=on_begun)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(3):
        while not condition():  # noqa: ASYNC110  # what is waited for happens in a server, which has no event
            await asyncio.sleep(0.005)


async def test_typing_continues_while_nothing_else_shows() -> None:
    async with connected() as line, preview(line) as show:
        await until(lambda: line.api.methods.count("sendChatAction") >= 2)
        assert set(line.api.methods) == {"sendChatAction"}
        assert not show.shown


async def test_growing_answer_is_rich_draft_with_id() -> None:
    async with connected(reply_format="rich") as line, preview(line) as show:
        show.update("**a**")
        await until(lambda: show.shown)
        show.update("**a** b")
        await until(lambda: len(line.api.of(*DRAFTS)) >= 2)
        first, second, *_ = line.api.of("sendRichMessageDraft")
        assert (first.html, second.html) == ("<p><b>a</b></p>", "<p><b>a</b> b</p>")
        assert {first.fields["draft_id"], second.fields["draft_id"]} == {"5"}
        assert show.message_id is None


async def test_the_answer_so_far_is_a_text_draft() -> None:
    async with connected() as line, preview(line) as show:
        show.update("**a** $x$")
        await until(lambda: show.shown)
        assert {call.method for call in line.api.of(*DRAFTS)} == {"sendMessageDraft"}
        assert line.api.of(*DRAFTS)[0].text == "a x"
        assert '"bold"' in line.api.of(*DRAFTS)[0].fields["entities"]


async def test_a_text_draft_is_empty_while_it_thinks() -> None:
    async with connected() as line, preview(line) as show:
        show.thinking()
        await until(lambda: line.api.of(*DRAFTS))
        show.note("<still> trying")
        await until(lambda: line.api.of(*DRAFTS)[-1].text == "<still> trying")
        assert line.api.of(*DRAFTS)[0].text == ""
        assert not show.shown


async def test_the_newest_text_wins() -> None:
    async with connected() as line, preview(line) as show:
        line.api.slowness = 0.05
        for count in range(1, 200):
            show.update("a" * count)
            await asyncio.sleep(0.001)
        await until(lambda: line.api.of(*DRAFTS)[-1].text == "a" * 199)
        assert len(line.api.of(*DRAFTS)) < 199 / 2  # about 4 on an idle machine


async def test_a_draft_is_kept_alive() -> None:
    async with connected() as line, preview(line) as show:
        show.update("a")
        await until(lambda: len(line.api.of(*DRAFTS)) >= 3)
        assert {call.text for call in line.api.of(*DRAFTS)} == {"a"}


async def test_thinking_shows_until_there_is_text() -> None:
    async with connected(reply_format="rich") as line, preview(line) as show:
        show.thinking()
        await until(lambda: line.api.of(*DRAFTS))
        assert "<tg-thinking>" in line.api.of(*DRAFTS)[0].html
        assert not show.shown
        show.update("a")
        show.thinking()
        show.note("late")
        await until(lambda: show.shown)
        assert line.api.of(*DRAFTS)[-1].html == "<p>a</p>"


async def test_note_is_shown_verbatim_and_is_no_answer() -> None:
    async with connected(reply_format="rich") as line, preview(line) as show:
        show.note("<still> trying")
        await until(lambda: line.api.of(*DRAFTS))
        assert line.api.of(*DRAFTS)[0].html == "<p>&lt;still&gt; trying</p>"
        assert not show.shown


async def test_rich_notes_read_from_right_to_left() -> None:
    """What Keepsake says in Arabic while an answer is awaited."""
    async with connected(reply_format="rich") as line:
        with speaking("ar"):
            async with preview(line) as show:
                show.thinking()
                await until(lambda: line.api.of(*DRAFTS))
                show.note(language.texts.STILL_TRYING)
                await until(lambda: len({call.html for call in line.api.of(*DRAFTS)}) == 2)
        drafts = [json.loads(call.fields["rich_message"]) for call in line.api.of(*DRAFTS)]
        assert [draft.get("is_rtl") for draft in drafts] == [True] * len(drafts)


async def test_an_older_server_gets_text_drafts() -> None:
    async with connected(*RICH, reply_format="rich") as line, preview(line) as show:
        show.thinking()
        await until(lambda: line.api.of("sendMessageDraft"))
        assert line.api.of("sendMessageDraft")[0].text == ""
        show.update("**a**")
        await until(lambda: show.shown)
        assert line.api.of("sendMessageDraft")[-1].text == "a"
        assert line.api.methods.count("sendRichMessageDraft") == 1


async def test_without_drafts_typing_goes_on() -> None:
    async with connected(*BEFORE_DRAFTS, reply_format="rich") as line, preview(line) as show:
        show.update("a")
        await until(lambda: not line.features.drafts)
        seen = line.api.methods.count("sendChatAction")
        await until(lambda: line.api.methods.count("sendChatAction") > seen + 1)
        assert not show.shown
        assert len(line.api.of(*DRAFTS)) == 2


async def test_a_refused_draft_is_skipped() -> None:
    async with connected(reply_format="rich") as line, preview(line) as show:
        line.api.refuse("sendRichMessageDraft", 400, "Bad Request: RICH_MESSAGE_INVALID")
        show.update("a <")
        await until(lambda: line.api.of(*DRAFTS))
        show.update("a < b")
        await until(lambda: show.shown)


async def test_network_trouble_is_skipped() -> None:
    async with connected(reply_format="rich") as line, preview(line) as show:
        line.api.refuse("sendRichMessageDraft", 502, "Bad Gateway", times=3)
        show.update("a")
        await until(lambda: show.shown)


async def test_flood_pauses_previews_and_typing() -> None:
    async with connected(reply_format="rich") as line, preview(line) as show:
        line.api.refuse("sendRichMessageDraft", 429, "Too Many Requests", retry_after=200)
        show.update("a")
        await until(lambda: line.flood_control.halted(PRIVATE))
        seen = len(line.api.calls)
        await asyncio.sleep(0.1)
        assert len(line.api.calls) == seen
        await until(lambda: show.shown)


async def test_a_long_answer_shows_its_newest_part() -> None:
    async with connected(*RICH) as line, preview(line) as show:
        show.update("word " * 2000 + "end")
        await until(lambda: show.shown)
        assert line.api.of("sendMessageDraft")[-1].text.endswith("word end")


async def test_a_group_gets_one_message_that_is_edited() -> None:
    begun: list[int] = []

    async def on_begun(message_id: int) -> None:
        begun.append(message_id)

    async with connected(reply_format="rich") as line, preview(line, GROUP, on_begun=on_begun) as show:
        show.thinking()
        show.update("a")
        await until(lambda: show.shown)
        show.update("a b")
        await until(lambda: line.api.of("editMessageText"))
        (first,) = line.api.of("sendRichMessage")
        assert first.html == "<p>a</p>"
        assert "reply_parameters" in first.fields
        assert begun == [show.message_id]
        assert line.api.of("editMessageText")[0].html == "<p>a b</p>"
        assert not line.api.of(*DRAFTS)


async def test_group_note_becomes_the_begun_message() -> None:
    async with connected() as line, preview(line, GROUP) as show:
        show.note("Still trying")
        await until(lambda: show.message_id)
        assert not show.shown
        show.update("a")
        await until(lambda: show.shown)
        assert line.api.methods.count("sendMessage") == 1


async def test_the_preview_of_a_group_is_text() -> None:
    async with connected() as line, preview(line, GROUP) as show:
        show.update("**a**")
        await until(lambda: show.shown)
        show.update("**a**\n\n| b |\n|---|")
        await until(lambda: line.api.of("editMessageText"))
        assert line.api.of("sendMessage")[0].text == "a"
        assert line.api.of("editMessageText")[0].text == "a\n\nb"


async def test_a_group_on_an_older_server_gets_text() -> None:
    async with connected(*RICH, reply_format="rich") as line, preview(line, GROUP) as show:
        show.update("**a**")
        await until(lambda: show.shown)
        assert line.api.of("sendMessage")[0].text == "a"


async def test_a_message_from_before_a_restart_is_edited() -> None:
    async with connected() as line, preview(line, GROUP, begun=55) as show:
        assert show.message_id == 55
        show.update("a")
        await until(lambda: show.shown)
        assert line.api.of("editMessageText")[0].fields["message_id"] == "55"
        assert not line.api.of("sendRichMessage")


async def test_timed_out_first_message_is_not_repeated() -> None:
    """It may have arrived."""
    async with connected(patience=0.1, reply_format="rich") as line, preview(line, GROUP) as show:
        line.api.slowness = 0.2
        show.update("a")
        await until(lambda: line.api.of("sendRichMessage"))
        await asyncio.sleep(0.2)
        line.api.slowness = 0
        show.update("a b")
        await asyncio.sleep(0.1)
        assert len(line.api.of("sendRichMessage")) == 1
        assert show.message_id is None


async def test_an_edit_that_changes_nothing_is_a_success() -> None:
    async with connected() as line, preview(line, GROUP, begun=55) as show:
        line.api.refuse("editMessageText", 400, "Bad Request: message is not modified")
        show.update("a")
        await until(lambda: show.shown)
        await asyncio.sleep(0.1)
        assert len(line.api.of("editMessageText")) == 1


@pytest.mark.parametrize("end", [None, asyncio.CancelledError])
async def test_leaving_waits_for_message_being_begun(end: type[BaseException] | None) -> None:
    async with connected(reply_format="rich") as line:
        show = preview(line, GROUP)
        line.api.slowness = 0.1
        with contextlib.suppress(asyncio.CancelledError):
            async with show:
                show.update("a")
                await until(lambda: line.api.of("sendRichMessage"))
                if end is not None:
                    raise end
        assert show.message_id is not None
        seen = len(line.api.calls)
        await asyncio.sleep(0.1)
        assert len(line.api.calls) == seen


async def test_leaving_leaves_no_task_behind() -> None:
    async with connected() as line:
        async with preview(line):
            assert any(task.get_name() == "preview 7" for task in asyncio.all_tasks())
        assert not any(task.get_name() == "preview 7" for task in asyncio.all_tasks())


async def test_failing_record_of_message_keeps_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(message_id: int) -> None:
        raise OSError

    async with connected() as line, preview(line, GROUP, on_begun=broken) as show:
        show.update("a")
        await until(lambda: show.message_id)
    assert "The preview in chat -7 failed" in caplog.text
