"""A request that is refused, and how OpenAI's APIs say so."""

import json
from typing import Protocol


class RequestError(Exception):
    """The request is refused; the message says why."""

    def __init__(self, message: str, param: str | None = None, *, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.status = status
        self.code = code


class ErrorBody(Protocol):
    """The JSON of an error, in the form of one API."""

    def __call__(self, message: str, status: int, code: str | None = None, param: str | None = None) -> bytes:
        """The body."""
        ...


def openai_error(message: str, status: int, code: str | None = None, param: str | None = None) -> bytes:
    """OpenAI's error JSON."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return json.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}}).encode()
