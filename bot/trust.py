"""The certificates that connections of the process trust.

Each client would load them for itself, which takes 20 ms and 0.8 MB every time.
"""

import ssl
from functools import cache

import httpx


@cache
def trust() -> ssl.SSLContext:
    """The certificates, loaded once."""
    return httpx.create_ssl_context()
