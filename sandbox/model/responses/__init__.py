"""Responses: OpenAI's newer API, whose server may keep a conversation so that only what is new has to be sent.

Sources: the types of the openai client; what DashScope documents of the same API (a limit is 16 tokens at least, an
unknown previous response is a 400).
"""

from collections.abc import Mapping

from sandbox.model.behaviour import Say
from sandbox.model.prompt_cache import PromptCount
from sandbox.model.refusal import openai_error
from sandbox.model.request import ChatRequest
from sandbox.model.responses.answer import Reply
from sandbox.model.responses.request import parse
from sandbox.model.responses.store import ResponseStore


class ResponsesApi:
    """See Api; the responses are kept in a store that a test can look into."""

    error = staticmethod(openai_error)

    def __init__(self, store: ResponseStore) -> None:
        self._store = store

    def parse(self, body: bytes, headers: Mapping[str, str], received: float) -> ChatRequest:
        """See Api.parse."""
        return parse(body, headers, received, self._store)

    def answer(self, request: ChatRequest, say: Say, prompt: PromptCount) -> Reply:
        """See Api.answer."""
        return Reply(request, say, prompt, self._store)
