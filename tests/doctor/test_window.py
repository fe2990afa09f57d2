"""The doctor sends a long prompt, and says how much of it was read."""

import pytest

from bot.conversation.tokens import estimate
from bot.doctor import window
from bot.doctor.report import Mark
from bot.llm.chat_completions import ChatCompletions
from bot.llm.openai_server import OpenAIServer
from sandbox.model import Fail, Say
from tests.doctor.conftest import World

TOO_LONG = Fail(400, "This model's maximum context length is 4096 tokens.")


@pytest.mark.parametrize(
    ("reads", "answer", "mark", "told"),
    [
        (None, Say("Yes."), Mark.FINE, "read all of a prompt"),
        (4096, Say("Yes."), Mark.NOTE, "read 4096 of"),
        (None, None, Mark.NOTE, "refuses a prompt"),
    ],
)
async def test_what_was_read_is_told(
    world: World, reads: int | None, answer: Say | None, mark: Mark, told: str
) -> None:
    world.model.reads = reads
    world.model.answer_with(lambda asked: answer or (TOO_LONG if len(asked.messages) > 30 else Say("Yes.")))
    settings = world.settings()
    models = OpenAIServer(
        ChatCompletions,
        base_url=settings.openai_base_url,
        api_key=settings.model_key,
        extra_body={},
        timeout=settings.model_timeout,
    )
    (found,) = await window.check(settings, models, estimate)
    await models.close()
    assert (found.mark, told in found.found) == (mark, True), found
