"""Reports of all shapes say the same."""

import pytest

from bot.llm.interface import Usage
from bot.llm.usage import reported


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}, Usage(9, 0, 2)),
        (
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
        (
            {"prompt_tokens": 900, "completion_tokens": 20, "prompt_tokens_details": {"cache_write_tokens": 900}},
            Usage(900, 0, 20, written=900),
        ),
        (
            {
                "prompt_tokens": 90,
                "completion_tokens": 2,
                "prompt_cache_hit_tokens": 64,
                "prompt_cache_miss_tokens": 26,
            },
            Usage(90, 64, 2),
        ),
        (
            {
                "input_tokens": 90,
                "output_tokens": 20,
                "input_tokens_details": {"cached_tokens": 64},
                "output_tokens_details": {"reasoning_tokens": 12},
            },
            Usage(90, 64, 20, reasoning=12),
        ),
        (
            {
                "input_tokens": 90,
                "output_tokens": 20,
                "image_tokens": 50,
                "audio_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 64},
            },
            Usage(90, 64, 20, image=50, audio=7),
        ),
        (
            {"input_tokens": 10, "output_tokens": 2, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 20},
            Usage(90, 60, 2, written=20),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": None}, Usage(9, 0, 2)),
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 12}}, Usage(9, 9, 2)),
        ({"prompt_tokens": None, "completion_tokens": None}, None),
        ({"prompt_tokens": "9", "completion_tokens": True}, None),
        ({}, None),
    ],
    ids=[
        *("plain", "qwen, explicit cache", "openai, written", "deepseek", "responses", "dashscope", "anthropic"),
        *("no details", "more cached than read", "nulls", "no numbers", "empty"),
    ],
)
def test_a_report_of_any_shape_is_read(report: dict[str, object], usage: Usage | None) -> None:
    assert reported(report) == usage
