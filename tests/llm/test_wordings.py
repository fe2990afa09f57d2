"""The window that a server names where it refuses a prompt that is longer."""

import pytest

from bot.llm.wordings import prompt_limit_in

TOLD = {
    "This model's maximum context length is 8192 tokens. However, you requested 9300 tokens (8300 in the messages, "
    "1000 in the completion).": 8192,
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9300 tokens.": 8192,
    "prompt is too long: 208310 tokens > 200000 maximum": 200_000,
    "Invalid request: Your request exceeded model token limit: 8192 (requested: 9216)": 8192,
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.": 131_072,
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).": 1_048_576,
    "the request exceeds the available context size (4096 tokens), try increasing it": 4096,
    "Trying to keep the first 5120 tokens when context the overflows. However, the model is loaded with context "
    "length of only 4096 tokens": 4096,
    "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]": 30_720,
    "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 3800 `inputs` tokens and 512 `max_new_tokens`": 4096,
    "Input length 9000 exceeds the maximum allowed input length of 8192 tokens.": 8192,
    "Requested token count exceeds the model's maximum context length of 131072 tokens. You requested a total of "
    "140000 tokens: 12000 tokens from the input messages and 128000 tokens for the completion.": 131_072,
    "The sum of prompt length (9000.0), query length (0) should not exceed max_num_tokens (8192)": 8192,
    "Prompt has 10,400 tokens, but the context window of this model is 8,192 tokens": 8192,
    "input length and `max_tokens` exceed context limit: 198000 + 8192 > 200000": 200_000,
    "context_window_exceeded: 9000/8192": 8192,
    "got 10400 tokens, expected at most 8192": 8192,
    "max_tokens is too large: 1024. This model's maximum context length is 16384 tokens and your request has 16000 "
    "input tokens (1024 > 16384 - 16000)": 16_384,
    "Input too long: 40000 tokens, limit 32k": 32_000,
    "输入超过模型最大上下文长度 8192,当前为 9300": 8192,
    "number of input tokens (5000) has exceeded max_prompt_tokens limit of 4096": 4096,
    "a sequence length of 4310, but the maximum supported sequence length is just 4096!": 4096,
    "model max length exceeded, max length:8192": 8192,
    "context window exceeds limit (2048)": 2048,
    "request (9321 tokens) exceeds the available context size (8192 tokens)": 8192,
}
SILENT = (
    "Please reduce the length of the messages.",
    "tokens in request more than max tokens allowed",
    "Range of max_tokens should be [1, 8192]",
    "input exceeds the maximum of 30000 characters",
    "The prompt is too long: 9000 tokens.",
    "your request contains 9000 tokens",
    "exceeds the limit of 20 images",
    "invalid params, context window exceeds limit (2013)",
    "MinimaxException; invalid params, context window exceeds limit (2013)",
    "the max input characters is 11200",
    "string too long. Expected a string with maximum length 1048576, but got a string with length 2000000 instead.",
)


@pytest.mark.parametrize(("words", "limit"), TOLD.items(), ids=range(len(TOLD)))
def test_the_window_is_read_from_the_words(words: str, limit: int) -> None:
    assert prompt_limit_in(words.lower()) == limit


@pytest.mark.parametrize("words", SILENT, ids=range(len(SILENT)))
def test_words_without_a_window_teach_none(words: str) -> None:
    assert prompt_limit_in(words.lower()) is None
