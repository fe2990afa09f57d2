"""DashScope's own API, one endpoint for text models and one for those that see and hear.

Sources: the `dashscope` package (what it sends, and how it reads an answer), Model Studio's guide to multi-turn
conversations.
"""

from collections.abc import Mapping

from sandbox.model.behaviour import Say
from sandbox.model.dashscope.answer import Generation
from sandbox.model.dashscope.failure import dashscope_error
from sandbox.model.dashscope.request import parse
from sandbox.model.prompt_cache import PromptCount
from sandbox.model.request import ChatRequest


class DashScopeApi:
    """See Api; `multimodal` says which of the two endpoints it is."""

    error = staticmethod(dashscope_error)

    def __init__(self, *, multimodal: bool) -> None:
        self._multimodal = multimodal

    def parse(self, body: bytes, headers: Mapping[str, str], received: float) -> ChatRequest:
        """See Api.parse."""
        return parse(body, headers, received, multimodal=self._multimodal)

    def answer(self, request: ChatRequest, say: Say, prompt: PromptCount) -> Generation:
        """See Api.answer."""
        return Generation(request, say, prompt, multimodal=self._multimodal)
