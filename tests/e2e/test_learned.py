"""What was learned of the model's server outlives a restart."""

from sandbox.model import Fail, Say
from sandbox.model.behaviour import Behaviour
from sandbox.model.request import ChatRequest
from tests.e2e import tables
from tests.e2e.conftest import Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import say

REFUSED = Fail(400, "Unrecognized request argument supplied: stream_options")


def _picky(asked: ChatRequest) -> Behaviour:
    return REFUSED if b"stream_options" in asked.body else Say("hi")


async def test_refused_field_is_remembered_across_restarts(stage: Stage, hurry: None, no_retries: None) -> None:
    """The server is sent the refused field once, however often the bot starts."""
    stage.model.answer_with(_picky)
    for requests in (2, 3):
        await stage.start()
        assert await say(stage, "my secret word is xyzzy") == "hi"
        assert len(stage.model.requests) == requests
        await stage.end()
    stored = str(tables.read(stage, "SELECT * FROM server_facts"))
    assert "stream_options" in stored
    assert "xyzzy" not in stored
