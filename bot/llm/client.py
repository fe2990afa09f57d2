"""The client of a model server."""

import openai

from bot.trust import trust


def client(base_url: str, api_key: str, *, retries: int, silence: float, connect: float) -> openai.AsyncOpenAI:
    """A client that waits so long for the server to say something, and to take a connection, in seconds."""
    timeout = openai.Timeout(silence, connect=connect)
    http = openai.DefaultAsyncHttpxClient(verify=trust(), timeout=timeout)
    return openai.AsyncOpenAI(
        base_url=base_url, api_key=api_key, max_retries=retries, timeout=timeout, http_client=http
    )
