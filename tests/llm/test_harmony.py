"""Channels of gpt-oss, told apart wherever the pieces are cut."""

import pytest

from bot.llm.harmony import Harmony
from bot.llm.model import Model
from bot.llm.stream_events import Received
from sandbox.model import ModelServer, Raw
from tests.llm.streams import SIZES, answer, chunk, split_each_way, split_in_pieces, stream, text_of
from tests.llm.streams import model as model

ANALYSIS, FINAL = "<|channel|>analysis<|message|>", "<|channel|>final<|message|>"
NEXT = "<|end|><|start|>assistant"


def _splits(text: str) -> dict[int, tuple[str, str]]:
    return split_each_way(Harmony, text, whole=True)


def _split(text: str, size: int, *, whole: bool = True) -> tuple[str, str]:
    return split_in_pieces(Harmony(), text, size, whole=whole)


@pytest.mark.parametrize(
    ("text", "answer", "reasoning"),
    [
        (f"{ANALYSIS}Who is it?{NEXT}{FINAL}Hello Ann<|return|>", "Hello Ann", "Who is it?"),
        (f"<|start|>assistant{ANALYSIS}Who?{NEXT}{FINAL}Hello Ann<|end|>\n", "Hello Ann", "Who?"),
        (f"{ANALYSIS}Who?<|end|>\n<|start|>assistant\n{FINAL}Hello Ann", "Hello Ann", "Who?"),
        (f"{ANALYSIS}one{NEXT}{ANALYSIS}two{NEXT}{FINAL}Hello", "Hello", "onetwo"),
        (f"{ANALYSIS}Who?{FINAL}Hello", "Hello", "Who?"),
        (f"{ANALYSIS}Who?<|end|>Hello", "Hello", "Who?"),
        (f"{FINAL}Hello<|return|>", "Hello", ""),
        ("<|message|>Hello<|return|>", "Hello", ""),
        ("<|start|>assistant<|message|>Hello", "Hello", ""),
        ("<|channel|>final <|constrain|>json<|message|>{}<|return|>", "{}", ""),
        (
            f"{ANALYSIS}Look.{NEXT}<|channel|>commentary to=functions.recall <|constrain|>json<|message|>"
            '{"a": 1}<|call|>',
            "",
            'Look.{"a": 1}',
        ),
        (f"{ANALYSIS}they say `<|end|>` here{NEXT}{FINAL}Yes", "Yes", "they say `<|end|>` here"),
        (f"{ANALYSIS}cut off in the", "", "cut off in the"),
        (f"\n{ANALYSIS}Who?{NEXT}{FINAL}Hello", "Hello", "Who?"),
        (f"Who is it?{NEXT}{FINAL}Hello Ann<|return|>", "Hello Ann", "Who is it?"),
        ("Hello Ann<|return|>", "Hello Ann", ""),
        ("Hello Ann.<|end|>\n", "Hello Ann.", ""),
        ("Hello Ann.<|im_end|>", "Hello Ann.", ""),
        ("Hello Ann.<|eot_id|>\n<|end_of_text|>", "Hello Ann.", ""),
        ("Qwen ends with <|im_end|>", "Qwen ends with <|im_end|>", ""),
        ("analysisWe need to greet.assistantfinalHello Ann", "Hello Ann", "We need to greet."),
        ("analysisWho?assistantfinal\n\nHello Ann<|return|>", "Hello Ann", "Who?"),
        ("analysisWho?assistantfinalhello ann", "hello ann", "Who?"),
        (f"{ANALYSIS}They ask of <|channel|>final.{NEXT}{FINAL}Hello", "Hello", "They ask of <|channel|>final."),
        ("analysis我们要问好。assistantfinal你好", "你好", "我们要问好。"),
    ],
)
def test_only_the_final_channel_is_said(text: str, answer: str, reasoning: str) -> None:
    assert _splits(text) == dict.fromkeys(SIZES, (answer, reasoning))


@pytest.mark.parametrize(
    "text",
    [
        "Harmony writes `<|channel|>analysis<|message|>` first.",
        f"It goes on with `{NEXT}{FINAL}`, so split there.",
        f"Look:\n```\n{ANALYSIS}x{NEXT}{FINAL}y<|return|>\n```\nSo it is.",
        "The last sign is <|return|>",
        'A message ends with "<|end|>"',
        "Between <|end|> and <|start|> there is nothing.",
        "analysis of the text: fine",
        "analysis",
        "Analysis\nAll is well.",
        "AnalysisWe wrote it so",
        "analysisWe wrote it so, by mistake",
        "assistants are nice",
        "a < b and a <| b |> c",
        "",
    ],
)
def test_an_answer_about_channels_stays_whole(text: str) -> None:
    assert {size: said for size, (said, _) in _splits(text).items()} == dict.fromkeys(SIZES, text)


@pytest.mark.parametrize(
    "said",
    [
        "Write `<|end|>` last.",
        f"```\n{NEXT}{FINAL}\n```\nThat is all.",
        "It is <|end|> that ends it.",
        "See <|channel|> and <|message|>.",
    ],
)
def test_the_final_channel_may_tell_of_channels(said: str) -> None:
    assert _splits(f"{ANALYSIS}Who?{NEXT}{FINAL}{said}<|return|>") == dict.fromkeys(SIZES, (said, "Who?"))


async def test_a_server_that_leaks_channels_is_read(server: ModelServer, model: Model) -> None:
    pieces = [f"{ANALYSIS}Who", " is it?<|e", "nd|><|start|>assist", f"ant{FINAL}Hello", " Ann", "<|return|>"]
    server.script(Raw(stream(*(chunk(content=piece) for piece in pieces), chunk("stop"))))
    events = await answer(model)
    assert text_of(events) == "Hello Ann"
    assert Received.of(events).reasoning == "Who is it?"


@pytest.mark.parametrize("unit", ["<|end|>", f"{ANALYSIS}x", f"{FINAL}x<|end|>", "<|start|>assistant", "`<|end|>` "])
def test_many_control_tokens_are_parsed_completely(unit: str) -> None:
    _split(unit * 3000, 100_000)
    _split(unit * 1000, 5)
