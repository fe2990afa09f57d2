"""Reasoning in tags is told apart, wherever the pieces are cut.

The signs that GLM's models put around an answer are not shown, unless it is about them.
"""

import pytest

from bot.llm.answer_stream import AnswerStream, Bounds
from bot.llm.stream_events import Finish, Finished, Received, TextDelta
from bot.llm.thinking import ThinkingTags
from tests.llm.streams import SIZES, split_each_way


def _splits(text: str, *, whole: bool = False) -> dict[int, tuple[str, str]]:
    return split_each_way(ThinkingTags, text, whole=whole)


def _answers(text: str, *, whole: bool = False) -> dict[int, str]:
    return {size: answer for size, (answer, _) in _splits(text, whole=whole).items()}


@pytest.mark.parametrize(
    ("text", "answer", "reasoning"),
    [
        ("Hello Ann", "Hello Ann", ""),
        ("<think>who is it</think>\n\nHello Ann", "Hello Ann", "who is it"),
        ("\n<think>\nwho < is </it\n</think>Hello\n", "Hello\n", "\nwho < is </it\n"),
        ("<think></think>\n\nHello", "Hello", ""),
        ("<think>one</think><think>two</think>Hello", "Hello", "onetwo"),
        ("<thinking>one</thinking>Hello", "Hello", "one"),
        ("<THINK>one</Think>Hello", "Hello", "one"),
        ("<thought>\none\n</thought>\n\nHello", "Hello", "\none\n"),
        ("<reasoning>one</reasoning>Hello", "Hello", "one"),
        ("[THINK]one[/THINK]Hello", "Hello", "one"),
        ("◁think▷one◁/think▷Hello", "Hello", "one"),
        ("<seed:think>one</seed:think>Hello", "Hello", "one"),
        ("<mm:think>one</mm:think>Hello", "Hello", "one"),
        ("<|begin_of_thought|>one<|end_of_thought|>Hello", "Hello", "one"),
        ("<|channel>thought\none<channel|>Hello", "Hello", "one"),
        ("<|channel>thoughtful", "<|channel>thoughtful", ""),
        ("<think>ask for `</think>`, hm</think>Hello", "Hello", "ask for `</think>`, hm"),
        ("<think>it is `one`</think>Hello", "Hello", "it is `one`"),
        ("<think>cut off in the mid</thi", "", "cut off in the mid</thi"),
        ("<thi", "<thi", ""),
        ("[thing one](https://example.org)", "[thing one](https://example.org)", ""),
        ("", "", ""),
    ],
)
def test_what_is_thought_is_not_said(text: str, answer: str, reasoning: str) -> None:
    assert _splits(text) == dict.fromkeys(SIZES, (answer, reasoning))


@pytest.mark.parametrize(
    ("text", "answer", "reasoning"),
    [
        ("Who is it?\n</think>\n\nHello Ann", "Hello Ann", "Who is it?\n"),
        ("Who is it</think>Hello Ann", "Hello Ann", "Who is it"),
        ("Who is it. </think> Hello Ann", "Hello Ann", "Who is it. "),
        ("hmm </THINK> Hello Ann", "Hello Ann", "hmm "),
        ("好的 </think> 你好", "你好", "好的 "),
        ("</think>\n\nHello Ann", "Hello Ann", ""),
        ("Who is it[/THINK]Hello", "Hello", "Who is it"),
        ("They may mean `</think>` in HTML.\n</think>\nHello", "Hello", "They may mean `</think>` in HTML.\n"),
        ("one</thinking>two </think> three", "two </think> three", "one"),
        ("*hm*</think>*smiles* Hello", "*smiles* Hello", "*hm*"),
        ("one, two</think>.5 it is", ".5 it is", "one, two"),
        ("1. one\n2. two\n</think>\n1. Hello", "1. Hello", "1. one\n2. two\n"),
    ],
)
def test_lone_closing_tag_retracts_earlier_text(text: str, answer: str, reasoning: str) -> None:
    assert _splits(text) == dict.fromkeys(SIZES, (answer, reasoning))


@pytest.mark.parametrize(
    "text",
    [
        "  indented <think>no</think>",
        "Write <think> and </think>",
        "Write <think> and </think>\nSo it is.",
        "Close it with `</think>`, then go on.",
        'Close it with "</think>" there',
        "The tag </think> ends it, and </think>.",
        "Put </think>",
        "Look:\n```html\n<b>\n</think>\n```\nSo it is.",
        "Split at it: `text.split('</think>')[1]` does.",
        "`</think>` " * 20 + "is a tag\n</think>\n",
        "What is < and [ and </ then?",
        "1. </think> ends it\n2. <think> begins it",
        "* </think> ends it",
        "| tag | use |\n|---|---|\n| </think> | ends |",
        "> </think> was what it said",
        "The **</think>** tag ends it.",
        "Тег «</think>» закрывает мысли.",
        "结束标签是</think>。",
        "Both <b></think></b> and more",
        "To close it, write\n\n    </think>\n\nand go on.",
    ],
)
def test_an_answer_about_tags_stays_whole(text: str) -> None:
    assert _splits(text) == dict.fromkeys(SIZES, (text, ""))


def test_answer_starting_with_mentioned_tag_stays_whole() -> None:
    text = "<thinking> is what I write first."
    assert _answers(text, whole=True) == dict.fromkeys(SIZES, text)
    assert _answers("<think>\nand no end", whole=True) == dict.fromkeys(SIZES, "")


@pytest.mark.parametrize(
    "text", ["<think>one</thinking>Hello", "<thinking>one</think>\n\nHello", "[THINK]one</think>Hello"]
)
def test_thoughts_that_another_tag_closes_end(text: str) -> None:
    assert _answers(text, whole=True) == dict.fromkeys(SIZES, "Hello")
    assert _answers(text) == dict.fromkeys(SIZES, "")


def test_tags_after_separate_reasoning_are_text() -> None:
    thinking = ThinkingTags()
    thinking.apart()
    assert thinking.split("Write it\n</think>\nhere").text == "Write it\n</think>\nhere"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<|begin_of_box|>Hello Ann<|end_of_box|>", "Hello Ann"),
        ("It is <|begin_of_box|>42<|end_of_box|>, I think.", "It is 42, I think."),
        ("<think>hm</think><|begin_of_box|>Hello<|end_of_box|>", "Hello"),
        ("It writes `<|begin_of_box|>` first.", "It writes `<|begin_of_box|>` first."),
        ("```\n<|begin_of_box|>\n```\n<|begin_of_box|>Yes", "```\n<|begin_of_box|>\n```\nYes"),
        ("1 < 2 `` and <|odd|> <", "1 < 2 `` and <|odd|> <"),
    ],
)
def test_the_signs_of_a_box_are_left_out(text: str, said: str) -> None:
    shown = {}
    for size in SIZES:
        answer = AnswerStream(Bounds())
        events = [event for at in range(0, len(text), size) for event in answer.read([TextDelta(text[at : at + size])])]
        shown[size] = Received.of([*events, *answer.read([Finished(Finish.STOP)])]).text
    assert shown == dict.fromkeys(SIZES, said)
