"""Chat Completions: OpenAI's older API, which every compatible server speaks."""

from collections.abc import Mapping

from sandbox.model.behaviour import Say
from sandbox.model.chat.answer import Completion
from sandbox.model.chat.request import parse
from sandbox.model.prompt_cache import PromptCount
from sandbox.model.refusal import openai_error
from sandbox.model.request import ChatRequest


class ChatApi:
    """See Api."""

    error = staticmethod(openai_error)

    def parse(self, body: bytes, headers: Mapping[str, str], received: float) -> ChatRequest:
        """See Api.parse."""
        return parse(body, headers, received)

    def answer(self, request: ChatRequest, say: Say, prompt: PromptCount) -> Completion:
        """See Api.answer."""
        return Completion(request, say, prompt)
