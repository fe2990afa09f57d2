"""What a server repeats of the prompt is not in what is logged of its error."""

import json

import pytest

from bot.errors import ModelError
from bot.llm.error_bodies import LEFT_OUT, redact_prompt
from bot.llm.interface import Message
from bot.llm.model import Model
from sandbox.model import Fail, ModelServer
from tests.llm.streams import model as model

SECRET = "My sister Ann has the cancer that took our mother"
CHINESE = "我妹妹安娜得了和我们母亲一样的病请不要告诉别人"
ASKED = [Message("system", "be kind"), Message("user", f"{SECRET}\n{CHINESE}")]
WORDS = [message.content for message in ASKED]


@pytest.mark.parametrize(
    "repeated",
    [
        SECRET,
        SECRET[:30],
        SECRET[10:],
        SECRET.upper(),
        json.dumps(SECRET),
        f"'{SECRET}'",
        SECRET.replace(" ", "\n"),
        SECRET.replace(" ", "+"),
        CHINESE,
        CHINESE[:15],
        CHINESE[3:9],
    ],
)
def test_words_of_the_prompt_are_left_out(repeated: str) -> None:
    said = f"messages[1].content is {repeated}, which is odd"
    assert redact_prompt(WORDS, said).replace("'", "").replace('"', "") == (
        f"messages[1].content is {LEFT_OUT}, which is odd"
    )


def test_other_words_stay() -> None:
    said = "Our mother model is down, be kind (status 500)"
    assert redact_prompt(WORDS, said) == said
    assert redact_prompt([], said) == said


@pytest.mark.parametrize(
    "form", ['{{"error": "I will not say {}"}}', '{{"flagged": "{}"}}', "{}", '{{"detail": [{{"msg": "no: {}"}}]}}']
)
async def test_an_error_tells_nothing_of_the_prompt(server: ModelServer, model: Model, form: str) -> None:
    for status in (400, 403, 429, 500):
        server.script(Fail(status, body=form.format(SECRET).encode()))
        with pytest.raises(ModelError) as caught:
            _ = [event async for event in model.stream(ASKED)]
        assert "sister" not in str(caught.value)
        assert str(status) in str(caught.value)
