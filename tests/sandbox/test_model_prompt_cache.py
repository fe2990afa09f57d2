import json

from sandbox.model.chat_api import ChatApi
from sandbox.model.prompt_cache import PromptCache, PromptCount
from sandbox.model.request import ChatRequest, RawRequest


def asked(*texts: str) -> ChatRequest:
    roles = ("user", "assistant")
    messages = [{"role": roles[index % 2], "content": text} for index, text in enumerate(texts)]
    return ChatApi().parse(RawRequest(json.dumps({"model": "m", "messages": messages}).encode()))


def test_first_prompt_is_counted_in_full() -> None:
    assert PromptCache().count(asked("x" * 1994)) == PromptCount(total=500, cached=0)


def test_continued_conversation_is_cached_to_old_end() -> None:
    cache = PromptCache()
    cache.count(asked("x" * 1994))
    assert cache.count(asked("x" * 1994, "fine", "and now?")) == PromptCount(total=508, cached=500)


def test_a_change_at_the_head_spoils_the_cache() -> None:
    cache = PromptCache()
    cache.count(asked("x" * 1994))
    assert cache.count(asked("y" + "x" * 1993)).cached == 0


def test_shared_prefix_is_cached_in_whole_tokens() -> None:
    cache = PromptCache()
    cache.count(asked("x" * 1994))
    assert cache.count(asked("x" * 1201 + "y" * 793)).cached == (1201 + len("user\n")) // 4


def test_a_short_head_is_not_cached() -> None:
    cache = PromptCache()
    cache.count(asked("x" * 994))
    assert cache.count(asked("x" * 994)).cached == 0


def test_every_earlier_request_counts_not_only_the_last() -> None:
    cache = PromptCache()
    cache.count(asked("x" * 1994))
    cache.count(asked("y" * 1994))
    assert cache.count(asked("x" * 1994)).cached == 500


def test_tokens_count_bytes_so_chinese_costs_more() -> None:
    assert PromptCache().count(asked("记" * 4)).total == 5  # 5 + 12 + 1 bytes
