"""What a server repeats of the prompt is not in what is logged of its error."""

import json

import pytest

from bot.errors import ModelError
from bot.llm.error_bodies import LEFT_OUT, redact_prompt
from bot.llm.interface import Message
from bot.llm.model import Model
from bot.llm.repeated_words import redact_words
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
    "said",
    [
        "the word zanzibar isn't allowed",
        "refused: 'Zanzibar'",
        "near ZANZIBAR;",
        "PIN 4711 is personal",
        "\u5305\u542b\u5b89\u5a1c\u5f97\u4e86\u5417",
        "\u0441\u043b\u043e\u0432\u043e \u0437\u0430\u043d\u0437\u0438\u0431\u0430\u0440",
    ],
)
def test_single_words_of_the_prompt_are_left_out(said: str) -> None:
    ours = ["Zanzibar! My PIN: 4711.", CHINESE, "\u0417\u0430\u043d\u0437\u0438\u0431\u0430\u0440"]
    made = redact_words(ours, said)
    assert LEFT_OUT in made
    assert not any(word in made.casefold() for word in ("zanzibar", "4711", "\u5b89\u5a1c", "\u0437\u0430\u043d\u0437"))


def test_words_that_explain_an_error_stay() -> None:
    said = "maximum context length exceeded: please reduce the prompt, the image is not supported (status 400)"
    assert redact_words([said], said) == said.replace("400", LEFT_OUT)


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
