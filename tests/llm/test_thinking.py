"""Reasoning in tags is told apart, wherever the pieces are cut."""

import pytest

from bot.llm.thinking import Thinking


def _split(text: str, size: int) -> tuple[str, str]:
    thinking = Thinking()
    pieces = [thinking.split(text[at : at + size]) for at in range(0, len(text), size)] + [thinking.rest()]
    return "".join(answer for answer, _ in pieces), "".join(reasoning for _, reasoning in pieces)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 1000])
@pytest.mark.parametrize(
    ("text", "answer", "reasoning"),
    [
        ("Hello Ann", "Hello Ann", ""),
        ("<think>who is it</think>\n\nHello Ann", "Hello Ann", "who is it"),
        ("\n<think>\nwho < is </it\n</think>Hello\n", "Hello\n", "\nwho < is </it\n"),
        ("<think></think>\n\nHello", "Hello", ""),
        ("<think>one</think><think>two</think>Hello", "Hello", "onetwo"),
        ("<thinking> is what I do", "<thinking> is what I do", ""),
        ("  indented <think>no</think>", "  indented <think>no</think>", ""),
        ("Write <think> and </think>", "Write <think> and </think>", ""),
        ("<think>cut off in the mid</thi", "", "cut off in the mid</thi"),
        ("<thi", "<thi", ""),
        ("", "", ""),
    ],
)
def test_what_is_thought_is_not_said(text: str, answer: str, reasoning: str, size: int) -> None:
    assert _split(text, size) == (answer, reasoning)
