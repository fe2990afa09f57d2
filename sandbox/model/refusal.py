"""A request that is refused."""


class RequestError(Exception):
    """The request is refused; the message says why."""

    def __init__(self, message: str, param: str | None = None, *, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.status = status
        self.code = code
