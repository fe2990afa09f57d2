"""The conversations that the server keeps, each under the id of the response that ended it so far."""

from collections.abc import Sequence

from sandbox.model.messages import of_text
from sandbox.model.refusal import RequestError
from sandbox.model.request import Message


class ResponseStore:
    """What a later ``previous_response_id`` can name; nothing expires unless a test says so.

    `missing_status` is how an unknown id is refused: OpenAI and DashScope say 400, other servers 404. With `ignores`
    an id means nothing, as with Ollama; with `refuses` it and ``store: true`` are refused, as by OpenRouter. Where it
    deletes nothing `deletion_status` says so.
    """

    def __init__(self) -> None:
        self.missing_status = 400
        self.ignores = self.refuses = False
        self.deletion_status = 200
        self._conversations: dict[str, tuple[Message, ...]] = {}

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids that can be named, oldest first."""
        return tuple(self._conversations)

    def keep(self, name: str, asked: Sequence[Message], said: str) -> None:
        """Keep a response with all that came before it."""
        self._conversations[name] = (*asked, of_text("assistant", said))

    def find(self, name: object) -> tuple[Message, ...]:
        """The conversation up to a response; raises RequestError when it is not kept, or not any more."""
        if self.ignores:
            return ()
        found = self._conversations.get(name) if isinstance(name, str) else None
        if found is None:
            raise RequestError(
                f"Previous response with id '{name}' not found.",
                "previous_response_id",
                status=self.missing_status,
                code="previous_response_not_found",
            )
        return found

    def check(self, store: object, previous: object) -> None:
        """Raises RequestError at a server that has no state and says so."""
        if self.refuses and (store is True or previous is not None):
            raise RequestError("This API is stateless.", "store")

    def delete(self, name: str) -> int:
        """Delete a response as its client asks; returns the HTTP status."""
        if self.deletion_status != 200:
            return self.deletion_status
        return 404 if self._conversations.pop(name, None) is None else 200

    def expire(self, *names: str) -> None:
        """Forget these responses (none named: all), as a server does after some days; unknown ids do no harm."""
        for name in names or self.ids:
            self._conversations.pop(name, None)
