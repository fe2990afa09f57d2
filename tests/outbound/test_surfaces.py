"""What drafts do where Telegram takes none, or not there."""

from dataclasses import replace
from functools import partial

import pytest

from tests.outbound.double import PRIVATE, Line, connected
from tests.outbound.test_preview import DRAFTS, preview, until


def _typed_more_than(line: Line, times: int) -> bool:
    return line.api.methods.count("sendChatAction") > times


@pytest.mark.parametrize("rich", [True, False])
async def test_chat_without_drafts_is_asked_once(rich: bool) -> None:
    async with connected(reply_format="rich" if rich else "text") as line:
        for _ in range(2):
            async with preview(line) as show:
                for method in DRAFTS:
                    line.api.refuse(method, 400, "Bad Request: TEXTDRAFT_PEER_INVALID", times=3)
                seen = line.api.methods.count("sendChatAction")
                show.update("a")
                await until(partial(_typed_more_than, line, seen))
        assert len(line.api.of(*DRAFTS)) == 1
        assert line.features.rich
        assert line.features.drafts


async def test_draft_goes_without_missing_topic() -> None:
    async with connected(reply_format="rich") as line, preview(line, replace(PRIVATE, thread_id=4)) as show:
        line.api.refuse("sendRichMessageDraft", 400, "Bad Request: message thread not found")
        show.update("a")
        await until(lambda: show.shown)
        assert [call.fields.get("message_thread_id") for call in line.api.of(*DRAFTS)] == ["4", None]


@pytest.mark.parametrize("rich", [True, False])
async def test_one_401_turns_drafts_off_for_nobody(rich: bool) -> None:
    async with connected(reply_format="rich" if rich else "text") as line, preview(line) as show:
        line.api.refuse("sendRichMessageDraft" if rich else "sendMessageDraft", 401, "Unauthorized")
        show.update("a")
        await until(lambda: show.shown)
        assert line.features.rich
        assert line.features.drafts
