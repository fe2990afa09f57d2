"""Why answers end, in the words that servers have for it and in some that they may yet find."""

import logging

import pytest

from bot.errors import ContextTooLong, StreamCut
from bot.llm.finishes import finish_of, in_mid_sentence, reason_in
from bot.llm.stream_events import Finish

STOP = "stop STOP eos eos_token end_turn stop_sequence COMPLETE tool_calls tool_use function_call completed finished"
LENGTH = "length max_tokens MAX_TOKENS max_output_tokens model_length maxTokens ERROR_LIMIT token_limit_reached"
LENGTH += (
    " model_context_window_exceeded max_completion_tokens truncated repetition context_overflow kv_cache_full cut_off"
)
FILTER = (
    "content_filter sensitive SAFETY refusal PROHIBITED_CONTENT RECITATION BLOCKLIST SPII IMAGE_SAFETY contentFilter"
)
FILTER += " blacklist MODEL_ARMOR"
FILTER += " content_filtered guardrail_intervened ERROR_TOXIC content-filter moderation policy_violation"
BROKEN = (
    "network_error error abort cancelled canceled insufficient_system_resource MALFORMED_FUNCTION_CALL timeout OTHER"
)
BROKEN += " UNEXPECTED_TOOL_CALL user_cancelled USER_CANCEL rate_limit server_overloaded failed interrupted ERROR"
BROKEN += " TOO_MANY_TOOL_CALLS aborted resource_exhausted incomplete time_limit internal_error"

BROKEN += " function_call_filter:MALFORMED_FUNCTION_CALL"
BROKEN += " out_of_memory connection_lost terminated evicted deadline_exceeded expired modelUnloaded quota_exceeded"


@pytest.mark.parametrize(
    ("words", "finish"), [(STOP, Finish.STOP), (LENGTH, Finish.LENGTH), (FILTER, Finish.FILTER)], ids=str
)
def test_words_for_an_end_are_known(words: str, finish: Finish) -> None:
    assert {word: finish_of(word, said=True) for word in words.split()} == dict.fromkeys(words.split(), finish)


@pytest.mark.parametrize("word", BROKEN.split())
def test_an_answer_that_was_broken_off_is_broken(word: str) -> None:
    with pytest.raises(StreamCut, match=word):
        finish_of(word, said=True)


@pytest.mark.parametrize(
    "word", [None, "", "null", "None", 0, False, [], {}, "FINISH_REASON_UNSPECIFIED", "in_progress", "not_finished"]
)
def test_an_answer_that_goes_on_has_not_ended(word: object) -> None:
    assert finish_of(word, said=True) is None


def test_a_reason_is_found_by_either_name() -> None:
    assert reason_in({"finish_reason": None, "finishReason": "MAX_TOKENS"}, {}) == "MAX_TOKENS"
    assert reason_in({}, {"finish_reason": "stop"}) == "stop"
    assert reason_in({"finish_reason": ""}) is None


@pytest.mark.parametrize("word", ["xyzzy", 1, 2.5])
def test_a_word_that_nobody_knows_is_logged(word: object, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert finish_of(word, said=True) is Finish.UNKNOWN
    assert repr(word) in caplog.text


def test_an_object_is_read_by_its_type() -> None:
    assert finish_of({"type": "length", "length": 9}, said=True) is Finish.LENGTH
    with pytest.raises(StreamCut):
        finish_of({"type": "abort", "message": "gone"}, said=True)


def test_full_window_before_first_word_is_too_long() -> None:
    with pytest.raises(ContextTooLong):
        finish_of("model_context_window_exceeded", said=False)
    assert finish_of("length", said=False) is Finish.LENGTH


@pytest.mark.parametrize(
    "end",
    [
        "The capital of France is",
        "- milk\n- eggs,",
        "It has (",
        "It is called:",
        "Столица этой страны стоит на",
        "巴黎是法国的首都它位于",
    ],
)
def test_a_sentence_without_an_end_is_cut(end: str) -> None:
    assert in_mid_sentence(end + "\n")


@pytest.mark.parametrize(
    "end",
    ["", "Paris", "Hello there", "It is Paris.", "It is *Paris*", "So it is! 😀", "- milk\n- eggs", "`x = 1`", "42"],
)
def test_what_may_be_an_end_is_not_cut(end: str) -> None:
    assert not in_mid_sentence(end)


def test_thai_has_no_stop_to_end_with() -> None:
    assert not in_mid_sentence("กรุงปารีส เป็น เมืองหลวง ของ ประเทศฝรั่งเศส")
