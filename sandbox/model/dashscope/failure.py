"""DashScope's errors."""

import uuid

from sandbox.model.sse import packed

CODES = {
    401: "InvalidApiKey",
    403: "AccessDenied",
    404: "ModelNotFound",
    429: "Throttling.RateQuota",
    500: "InternalError",
    503: "ModelServingError",
}
"""What DashScope calls a failure of that status, unless the test says; any other one is an InvalidParameter."""


def dashscope_error(message: str, status: int, code: str | None = None, param: str | None = None) -> bytes:  # noqa: ARG001
    """DashScope's error JSON, which has no place for the name of a parameter."""
    named = code or CODES.get(status, "InvalidParameter")
    return packed({"code": named, "message": message, "request_id": str(uuid.uuid4())})
