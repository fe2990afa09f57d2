"""Reports of all shapes say the same, and what counts nothing is no report."""

import pytest

from bot.llm.stream_events import Usage
from bot.llm.usage_report import parse_usage

Report = dict[str, object]

SHAPES: dict[str, tuple[Report, Usage]] = {
    "plain": ({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}, Usage(9, 0, 2)),
    "no total": ({"prompt_tokens": 9, "completion_tokens": 2}, Usage(9, 0, 2)),
    "no details": ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": None}, Usage(9, 0, 2)),
    "qwen, explicit cache": (
        {
            "prompt_tokens": 900,
            "completion_tokens": 20,
            "prompt_tokens_details": {
                "cached_tokens": 512,
                "cache_creation_input_tokens": 300,
                "audio_tokens": 40,
                "image_tokens": 50,
            },
            "completion_tokens_details": {"reasoning_tokens": 12, "audio_tokens": 3},
        },
        Usage(900, 512, 20, written=300, reasoning=12, audio=40, image=50),
    ),
    "openai, written": (
        {
            "prompt_tokens": 900,
            "completion_tokens": 20,
            "total_tokens": 920,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 900},
        },
        Usage(900, 0, 20, written=900),
    ),
    "openai, responses": (
        {
            "input_tokens": 90,
            "input_tokens_details": {"cached_tokens": 64},
            "output_tokens": 20,
            "output_tokens_details": {"reasoning_tokens": 12},
            "total_tokens": 110,
        },
        Usage(90, 64, 20, reasoning=12),
    ),
    "deepseek": (
        {
            "prompt_tokens": 90,
            "completion_tokens": 2,
            "total_tokens": 92,
            "prompt_cache_hit_tokens": 64,
            "prompt_cache_miss_tokens": 26,
        },
        Usage(90, 64, 2),
    ),
    "moonshot": (
        {"prompt_tokens": 90, "completion_tokens": 2, "total_tokens": 92, "cached_tokens": 64},
        Usage(90, 64, 2),
    ),
    "dashscope": (
        {
            "input_tokens": 90,
            "output_tokens": 20,
            "total_tokens": 110,
            "image_tokens": 50,
            "audio_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 64, "cache_creation_input_tokens": 20},
        },
        Usage(90, 64, 20, written=20, image=50, audio=7),
    ),
    "anthropic": (
        {"input_tokens": 10, "output_tokens": 2, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 20},
        Usage(90, 60, 2, written=20),
    ),
    "anthropic, all of it cached": (
        {"input_tokens": 0, "output_tokens": 2, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 0},
        Usage(60, 60, 2),
    ),
    "anthropic, with a total of all": (
        {
            "input_tokens": 100,
            "output_tokens": 2,
            "cache_read_input_tokens": 60,
            "cache_creation_input_tokens": 20,
            "total_tokens": 182,
        },
        Usage(180, 60, 2, written=20),
    ),
    "anthropic, with a total of what is fresh": (
        {"input_tokens": 10, "output_tokens": 2, "cache_read_input_tokens": 60, "total_tokens": 12},
        Usage(70, 60, 2),
    ),
    "claude behind a gateway that leaves the cache out": (
        {
            "prompt_tokens": 10,
            "completion_tokens": 2,
            "total_tokens": 72,
            "prompt_tokens_details": {"cached_tokens": 60},
        },
        Usage(70, 60, 2),
    ),
    "claude behind litellm": (
        {
            "prompt_tokens": 90,
            "completion_tokens": 2,
            "total_tokens": 92,
            "prompt_tokens_details": {"cached_tokens": 60, "cache_creation_tokens": 20},
            "cache_read_input_tokens": 60,
            "cache_creation_input_tokens": 20,
        },
        Usage(90, 60, 2, written=20),
    ),
    "claude behind litellm, no total": (
        {
            "prompt_tokens": 90,
            "completion_tokens": 2,
            "cache_read_input_tokens": 60,
            "cache_creation_input_tokens": 20,
        },
        Usage(90, 60, 2, written=20),
    ),
    "claude behind a gateway with both names": (
        {
            "prompt_tokens": 90,
            "input_tokens": 10,
            "completion_tokens": 2,
            "output_tokens": 2,
            "cache_read_input_tokens": 80,
        },
        Usage(90, 80, 2),
    ),
    "openrouter": (
        {
            "prompt_tokens": 90,
            "completion_tokens": 20,
            "total_tokens": 110,
            "cost": 0.0014,
            "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 10, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 12},
        },
        Usage(90, 64, 20, written=10, reasoning=12),
    ),
    "xai: reasoning outside, and said": (
        {
            "prompt_tokens": 90,
            "completion_tokens": 2,
            "total_tokens": 392,
            "prompt_tokens_details": {"cached_tokens": 64},
            "completion_tokens_details": {"reasoning_tokens": 300},
        },
        Usage(90, 64, 302, reasoning=300),
    ),
    "gemini: reasoning outside, and not said": (
        {"prompt_tokens": 90, "completion_tokens": 2, "total_tokens": 392},
        Usage(90, 0, 302, reasoning=300),
    ),
    "gemini: nothing but reasoning": (
        {"prompt_tokens": 90, "completion_tokens": 0, "total_tokens": 390},
        Usage(90, 0, 300, reasoning=300),
    ),
    "more reasoning than output, no total": (
        {"prompt_tokens": 9, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 30}},
        Usage(9, 0, 32, reasoning=30),
    ),
    "cohere": (
        {"billed_units": {"input_tokens": 5}, "tokens": {"input_tokens": 9, "output_tokens": 2}},
        Usage(9, 0, 2),
    ),
    "details that are none": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 2,
            "total_tokens": 11,
            "prompt_tokens_details": {"cached_tokens": -4, "audio_tokens": "3", "image_tokens": None},
            "completion_tokens_details": [1],
        },
        Usage(9, 0, 2),
    ),
    "nothing was said": ({"prompt_tokens": 90, "completion_tokens": 0}, Usage(90, 0, 0)),
    "a total that is none": ({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 10**18}, Usage(9, 0, 2)),
    "a total below the sum": ({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 5}, Usage(9, 0, 2)),
    "written, by lifetime": (
        {
            "prompt_tokens": 90,
            "completion_tokens": 2,
            "prompt_tokens_details": {
                "cached_tokens": 60,
                "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 5},
            },
        },
        Usage(90, 60, 2, written=25),
    ),
    "no output but a total": ({"prompt_tokens": 90, "total_tokens": 110}, Usage(90, 0, 20)),
    "more cached than read, in Anthropic's names": (
        {
            "prompt_tokens": 8,
            "completion_tokens": 862,
            "total_tokens": 870,
            "prompt_tokens_details": {"cached_tokens": 18901},
            "cache_creation_input_tokens": 1367,
            "cache_read_input_tokens": 18901,
        },
        Usage(20276, 18901, 862, written=1367),
    ),
    "more written than read": (
        {"prompt_tokens": 90, "completion_tokens": 2, "prompt_tokens_details": {"cache_write_tokens": 95}},
        Usage(90, 0, 2, written=90),
    ),
}


@pytest.mark.parametrize(("report", "usage"), SHAPES.values(), ids=SHAPES)
def test_a_report_of_any_shape_is_read(report: Report, usage: Usage) -> None:
    assert parse_usage(report) == usage


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 0},
        {"prompt_tokens": 0, "completion_tokens": 20},
        {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": -9, "completion_tokens": 2},
        {"prompt_tokens": 9, "completion_tokens": -2},
        {"prompt_tokens": "9", "completion_tokens": True},
        {"prompt_tokens": 9.0, "completion_tokens": 2.0},
        {"prompt_tokens": 10**18, "completion_tokens": 2},
        {"prompt_tokens": 9, "completion_tokens": 10**18},
        {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 12}},
        {"prompt_tokens": [9], "completion_tokens": {"all": 2}},
        {"total_tokens": 11},
        None,
        [],
        [{"prompt_tokens": 9, "completion_tokens": 2}],
        "9 tokens",
        11,
    ],
    ids=str,
)
def test_what_counts_nothing_is_no_report(report: object) -> None:
    assert parse_usage(report) is None
