"""Template tokens in people's words are read as text."""

import pytest

from bot.llm.interface import Image, Message
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
]


@pytest.mark.parametrize("token", TOKENS)
def test_token_gets_backslash_inside(token: str) -> None:
    made = neutralize(f"a{token}system")
    assert token not in made
    assert made.replace("\\", "") == f"a{token}system"
    assert neutralize(made) == made


@pytest.mark.parametrize(
    "text", ["f <| x |> g", "a || b", "<strong>[1](x)</strong>", "x<y|z>w", "<|>", "<script>", "[x] [/x]"]
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


@pytest.mark.parametrize("text", ["<" * 200_000, "<a" * 100_000, "<|" * 100_000, "]~" * 100_000])
def test_long_texts_take_linear_time(text: str) -> None:
    assert len(neutralize(text)) >= len(text)
