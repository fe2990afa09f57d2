"""Simulated prompt caches: what they find again, and what is paid for writing to them."""

import json
from collections.abc import Sequence

import pytest

from sandbox.model.chat_api import ChatApi
from sandbox.model.prompt_cache import Breakpoints, Markers, PromptCache, PromptCount, Units
from sandbox.model.request import ChatRequest, RawRequest, RequestError


def request_of(*contents: str | Sequence[dict[str, object]], **options: object) -> ChatRequest:
    roles = ("user", "assistant")
    messages = [{"role": roles[index % 2], "content": content} for index, content in enumerate(contents)]
    return ChatApi().parse(RawRequest(json.dumps({"model": "m", "messages": messages, **options}).encode()))


def test_first_prompt_is_counted_in_full() -> None:
    assert PromptCache().count(request_of("x" * 1994)) == PromptCount(total=500, cached=0)


def test_continued_conversation_is_cached_to_old_end() -> None:
    cache = PromptCache()
    cache.count(request_of("x" * 1994))
    assert cache.count(request_of("x" * 1994, "fine", "and now?")) == PromptCount(total=508, cached=500)


def test_a_change_at_the_head_spoils_the_cache() -> None:
    cache = PromptCache()
    cache.count(request_of("x" * 1994))
    assert cache.count(request_of("y" + "x" * 1993)).cached == 0


def test_shared_prefix_is_cached_in_whole_tokens() -> None:
    cache = PromptCache()
    cache.count(request_of("x" * 1994))
    assert cache.count(request_of("x" * 1201 + "y" * 793)).cached == (1201 + len("user\n")) // 4


def test_a_short_head_is_not_cached() -> None:
    cache = PromptCache()
    cache.count(request_of("x" * 994))
    assert cache.count(request_of("x" * 994)).cached == 0


def test_every_earlier_request_counts_not_only_the_last() -> None:
    cache = PromptCache()
    cache.count(request_of("x" * 1994))
    cache.count(request_of("y" * 1994))
    assert cache.count(request_of("x" * 1994)).cached == 500


def test_tokens_count_bytes_so_chinese_costs_more() -> None:
    assert PromptCache().count(request_of("记" * 4)).total == 5  # 5 + 12 + 1 bytes


BREAKPOINT: dict[str, object] = {"prompt_cache_breakpoint": {"mode": "explicit"}}
CONTROL: dict[str, object] = {"cache_control": {"type": "ephemeral"}}
LONG, RECALLED = "x" * 4395, "y" * 400
"""With "user" before it, the first has 1,100 tokens to the byte."""
ONLY_OURS: dict[str, object] = {"prompt_cache_options": {"mode": "explicit"}}


def part(text: str, marker: dict[str, object] | None = None) -> dict[str, object]:
    return {"type": "text", "text": text, **(marker or {})}


def test_a_breakpoint_is_found_again_before_another_end() -> None:
    account = Breakpoints()
    first = account.count(request_of([part(LONG, BREAKPOINT), part(RECALLED)], **ONLY_OURS))
    assert (first.cached, first.written) == (0, 1100)
    again = account.count(request_of([part(LONG, BREAKPOINT)], "fine", [part("and?", BREAKPOINT)], **ONLY_OURS))
    assert again.cached == 1100
    assert again.written == again.total - 1100


def test_prefix_not_ending_at_breakpoint_is_uncached() -> None:
    account = Breakpoints()
    account.count(request_of([part(LONG, BREAKPOINT), part(RECALLED)], **ONLY_OURS))
    assert account.count(request_of(LONG, "fine", "and?", **ONLY_OURS)).cached == 0
    assert account.count(request_of([part(LONG + "z", BREAKPOINT)], **ONLY_OURS)).cached == 0


def test_servers_own_breakpoint_follows_newest_message() -> None:
    account = Breakpoints()
    account.count(request_of(LONG))
    assert account.count(request_of(LONG, "fine", "and?")).cached == 1100
    account = Breakpoints()
    first = account.count(request_of(LONG + RECALLED))
    assert (first.written, first.total) == (1200, 1201)
    assert account.count(request_of(LONG, "fine", "and?")).cached == 0


def test_four_breakpoints_are_written_and_the_last_ones() -> None:
    account = Breakpoints()
    texts = [LONG, "b", "c", "d", "e"]
    account.count(request_of([part(text, BREAKPOINT) for text in texts], **ONLY_OURS))
    assert account.count(request_of([part(LONG, BREAKPOINT)], **ONLY_OURS)).cached == 0
    assert account.count(request_of([part(LONG), part("b", BREAKPOINT)], **ONLY_OURS)).cached > 1024


def test_markers_find_what_stands_twenty_blocks_before() -> None:
    for blocks, found in ((20, 1100), (21, 0)):
        account = Markers()
        account.count(request_of([part(LONG, CONTROL)]))
        more = [part("z")] * (blocks - 1)
        assert account.count(request_of([part(LONG), *more, part("z", CONTROL)])).cached == found


def test_without_markers_nothing_is_kept() -> None:
    account = Markers()
    assert [account.count(request_of(LONG)) for _ in range(2)] == [PromptCount(1101, 0)] * 2


def test_units_end_with_request_and_answer() -> None:
    account = Units()
    account.count(request_of("x" * 400), "fine")
    assert account.count(request_of("x" * 400, "other", "and?"), "well").cached == 103
    assert account.count(request_of("x" * 400, "fine", "and?")).cached == 103 + 3 + 1 + 1


def test_shared_beginning_becomes_unit_third_time() -> None:
    account = Units()
    found = [account.count(request_of("x" * 400 + end * 100)).cached for end in "abc"]
    assert found == [0, 0, 102]


@pytest.mark.parametrize("account", [PromptCache(), Breakpoints(), Markers(), Units()])
def test_parts_and_markers_change_no_count(account: PromptCache | Breakpoints | Markers | Units) -> None:
    plain = account.count(request_of(LONG)).total
    assert account.count(request_of([part(LONG[:2000]), part(LONG[2000:], CONTROL)])).total == plain


def test_what_a_server_would_refuse_is_refused() -> None:
    with pytest.raises(RequestError, match="maximum of 4"):
        request_of([part("x", CONTROL)] * 5)
    with pytest.raises(RequestError, match="assistant"):
        request_of("x", [part("y", BREAKPOINT)], "z")
