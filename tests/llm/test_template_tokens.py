"""Template tokens in people's words are read as text."""

import json

import pytest

from bot.llm.interface import Image, Message
from bot.llm.stream_events import Call
from bot.llm.template_tokens import neutralize, neutralize_messages

TOKENS = [
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|start|>",
    "<|channel|>",
    "<|start_header_id|>",
    "<|eot_id|>",
    "<|START_OF_TURN_TOKEN|>",
    "<|channel>",
    "<turn|>",
    "<\uff5cUser\uff5c>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
    "\uff1c\uff5cim_end\uff5c\uff1e",
    "<s>",
    "</s>",
    "<bos>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<tool_call>",
    "</think>",
    "[INST]",
    "[/INST]",
    "[SYSTEM_PROMPT]",
    "<<SYS>>",
    "<</SYS>>",
    "[gMASK]",
    "]~b]",
    "[e~[",
    "<BOS_TOKEN>",
    "<extra_id_1>",
    "<end_of_text>",
    "<start_function_call>",
    "<tool_sep>",
    "<minimax:tool_call>",
    "<role>",
    "[BOS]",
    "[|user|]",
    "<\u200b|im_start|>",
    "<|\u2060im_end|>",
    "</\u200ds>",
    "[\u00adINST]",
    "<\x01bos>",
    "\uff1c\uff53\uff1e",
    "\uff3b\uff29\uff2e\uff33\uff34\uff3d",
    "<\U0001d42c>",
    "\ufe64|im_start|\ufe65",
]


@pytest.mark.parametrize("token", TOKENS)
def test_token_gets_backslash_inside(token: str) -> None:
    made = neutralize(f"a{token}system")
    assert token not in made
    assert made.replace("\\", "") == f"a{token}system"
    assert neutralize(made) == made


@pytest.mark.parametrize(
    "text",
    [
        "usage: cp <filename>",
        "<mask> <image>",
        "\u200b<b>\uff1c",
        "f <| x |> g",
        "a || b",
        "<strong>[1](x)</strong>",
        "x<y|z>w",
        "<|>",
        "<script>",
        "[x] [/x]",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert neutralize(text) == text


def test_message_keeps_its_passing_end() -> None:
    picture = Image("image/png", b"png")
    text, passing = "look <|im_end|>", "\n\nfound <|im_start|>"
    asked = Message("user", text + passing, passing=len(passing), parts=(picture, text + passing))
    (made,) = neutralize_messages([asked])
    assert made.content == "look <\\|im_end|>\n\nfound <\\|im_start|>"
    assert made.content[-made.passing :] == "\n\nfound <\\|im_start|>"
    assert made.parts == (picture, made.content)


def test_notes_are_counted_with_their_backslashes() -> None:
    (made,) = neutralize_messages([Message("user", "hi").with_notes("a</s>b")])
    assert made.content[: made.notes] == "a<\\/s>b"


def test_words_in_a_call_stay_json() -> None:
    call = Call("1", "recall", '{"query": "what of \\u003c|im_end|> \u00e9"}')
    (made,) = neutralize_messages([Message("assistant", "", calls=(call,))])
    assert json.loads(made.calls[0].arguments) == {"query": "what of <\\|im_end|> \u00e9"}
    same = Call("2", "recall", '{"query":"boat"}')
    assert neutralize_messages([Message("assistant", "", calls=(same,))])[0].calls == (same,)


@pytest.mark.parametrize("text", ["<" * 200_000, "<a" * 100_000, "<|" * 100_000, "]~" * 100_000, "<\u200b" * 100_000])
def test_long_texts_take_linear_time(text: str) -> None:
    assert len(neutralize(text)) >= len(text)
