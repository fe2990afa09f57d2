"""Where cache markers stand, and when a request is cheaper with them."""

from dataclasses import replace

import pytest

from bot.conversation.cache_markers import (
    LastRequest,
    Setting,
    keeps_words,
    mark_stable_messages,
    mark_system_message,
    should_mark,
)
from bot.conversation.prompt import append_text
from bot.llm.interface import CacheProfile, Image, Message

EXPLICIT = CacheProfile(explicit=True, minimum=1024, lifetime_s=300)
AUTOMATIC = CacheProfile(explicit=False, minimum=1024, lifetime_s=300)


def _auto(
    *,
    setting: Setting = "auto",
    profile: CacheProfile = EXPLICIT,
    gap_s: float | None = 60,
    prompt_tokens: int = 3000,
    last: LastRequest | None = None,
) -> bool:
    return should_mark(setting, profile, gap_s=gap_s, prompt_tokens=prompt_tokens, last=last)


def _last(*, marked: bool, cached: int, primed: bool = False, age_s: float = 60) -> LastRequest:
    return LastRequest(marked=marked, input=3000, cached=cached, age_s=age_s, primed=primed)


def _roles(messages: tuple[Message, ...]) -> list[str]:
    return [f"{message.role}*" if message.mark else message.role for message in messages]


def _conversation(*roles: str) -> list[Message]:
    return [Message(role, f"words {number}") for number, role in enumerate(roles)]


def test_system_message_and_newest_words_are_marked() -> None:
    messages = _conversation("system", "user", "assistant", "user", "assistant", "user", "assistant", "user")
    marks = ["system*", "user", "assistant", "user*", "assistant", "user*", "assistant", "user*"]
    assert _roles(mark_stable_messages(messages)) == marks


def test_the_first_message_of_a_chat_is_marked() -> None:
    assert _roles(mark_stable_messages(_conversation("system", "user"))) == ["system*", "user*"]


def test_message_only_in_this_request_is_unmarked() -> None:
    messages = append_text(_conversation("system", "user", "assistant"), "Write notes.")
    assert _roles(mark_stable_messages(messages)) == ["system*", "user*", "assistant", "user"]


def test_a_picture_without_words_is_marked_behind_it() -> None:
    shown = Message("user", "", parts=(Image("image/png", b"x"),))
    assert _roles(mark_stable_messages(append_text([shown], "Recalled."))) == ["user*"]


def test_marks_of_an_earlier_request_do_not_stay() -> None:
    messages = mark_stable_messages(_conversation("system", "user"))
    for _ in range(4):
        messages = mark_stable_messages([*messages, Message("assistant", "more"), Message("user", "and more")])
    assert sum(message.mark for message in messages) == 4


def test_marking_system_message_alone_keeps_no_words() -> None:
    messages = _conversation("system", "user", "assistant", "user")
    assert _roles(mark_system_message(mark_stable_messages(messages))) == ["system*", "user", "assistant", "user"]
    assert keeps_words(mark_stable_messages(messages))
    assert not keeps_words(mark_system_message(messages))


def test_marks_leave_the_text_as_it_is() -> None:
    messages = _conversation("system", "user", "assistant", "user")
    assert [(one.role, one.content) for one in mark_stable_messages(messages)] == [
        (one.role, one.content) for one in messages
    ]


def test_empty_message_is_never_marked() -> None:
    """A content part needs a text."""
    assert _roles(mark_stable_messages([Message("system", ""), Message("user", "hello")])) == ["system", "user*"]


def test_on_and_off_decide_alone() -> None:
    assert _auto(setting="on", profile=AUTOMATIC, gap_s=None, prompt_tokens=10)
    assert not _auto(setting="off")


def test_self_caching_server_gets_no_markers() -> None:
    assert not _auto(profile=AUTOMATIC)


@pytest.mark.parametrize(("tokens", "expected"), [(1023, False), (1024, True)])
def test_prompt_too_short_for_cache_gets_no_markers(tokens: int, expected: bool) -> None:
    assert _auto(prompt_tokens=tokens) is expected


@pytest.mark.parametrize(("gap_s", "expected"), [(None, False), (5, True), (299, True), (300, False), (86_400, False)])
def test_markers_need_turns_faster_than_cache_expiry(gap_s: float | None, expected: bool) -> None:
    assert _auto(gap_s=gap_s) is expected


def test_clock_gone_backwards_counts_as_short_gap() -> None:
    assert _auto(gap_s=-5)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (_last(marked=True, cached=2800, primed=True), True),
        (_last(marked=True, cached=0, primed=False), True),
        (_last(marked=True, cached=0, primed=True), False),
        (_last(marked=False, cached=0), True),
        (_last(marked=False, cached=1200), True),
        (_last(marked=False, cached=1300), False),
        (_last(marked=False, cached=2800), False),
        (_last(marked=False, cached=2800, age_s=400), True),
    ],
    ids=[
        "markers that hit stay",
        "the first request with markers only writes",
        "markers that should have hit and did not are ignored by the server",
        "a server without hits of its own gets them",
        "few hits without markers do not pay",
        "many do",
        "nearly all do",
        "hits from before the lifetime are no evidence",
    ],
)
def test_what_the_server_reported_decides(last: LastRequest, expected: bool) -> None:
    assert _auto(last=last) is expected


def test_breakpoint_cache_counts_only_marked_hits() -> None:
    exact = replace(EXPLICIT, exact=True)
    assert _auto(profile=exact, last=_last(marked=False, cached=2800))
    assert not _auto(profile=exact, last=_last(marked=True, cached=0, primed=True))


def test_server_counting_nothing_has_no_hits() -> None:
    assert _auto(last=LastRequest(marked=False, input=0, cached=0, age_s=10))
