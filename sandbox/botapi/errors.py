"""What the Bot API answers when it refuses: a code and a sentence, both Telegram's own."""


class ApiError(Exception):
    """The call is refused."""

    def __init__(
        self, code: int, description: str, retry_after: int | None = None, moved_to: int | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after
        self.moved_to = moved_to


def bad_request(reason: str) -> ApiError:
    """The call is wrong."""
    return ApiError(400, f"Bad Request: {reason}")


def forbidden(reason: str) -> ApiError:
    """The call is right, but not allowed here."""
    return ApiError(403, f"Forbidden: {reason}")


def conflict(reason: str) -> ApiError:
    """Another way of receiving updates is in use."""
    return ApiError(409, f"Conflict: {reason}")


def too_many_requests(retry_after: int) -> ApiError:
    """A flood limit was reached."""
    return ApiError(429, f"Too Many Requests: retry after {retry_after}", retry_after)
