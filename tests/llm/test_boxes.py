"""The signs that GLM's models put around an answer are not shown, unless it is about them."""

import pytest

from bot.llm.answer_stream import AnswerStream, Bounds
from bot.llm.interface import Delta, Finish


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
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
def test_the_signs_of_a_box_are_left_out(text: str, said: str, size: int) -> None:
    answer = AnswerStream(Bounds())
    deltas = [answer.read(Delta(text=text[at : at + size])) for at in range(0, len(text), size)]
    deltas.append(answer.read(Delta(finish=Finish.STOP)))
    assert "".join(delta.text for delta in deltas) == said
