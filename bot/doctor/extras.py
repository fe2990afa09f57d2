"""Checks of optional models: the embedding model and the fallbacks."""

import asyncio
from collections.abc import Sequence
from math import isfinite, sqrt

from bot.doctor import advice
from bot.doctor.model_requests import QUESTION, Bill, ask, patience
from bot.doctor.report import Finding, fine, note
from bot.errors import ModelError, NoAnswerInTime
from bot.llm.interface import ChatModel, Embedder, Purpose
from bot.llm.local import EXTRA
from bot.llm.stream_events import ExtraRequest
from bot.settings import Settings

SENTENCES = ("The cat sleeps on the sofa.", "A cat is asleep on the couch.", "Interest rates rose by half a percent.")
"""The second means the same as the first, the third something else."""
BY_MEANING = (
    f"To search by meaning too, in any language, install the extra '{EXTRA}' (EMBEDDING_MODEL=local), or use a "
    "model on a server (on DashScope: text-embedding-v4)."
)
BY_WORDS = "Until then, messages are found by their words only. "


async def check_embeddings(settings: Settings, embedder: Embedder | None, bill: Bill | None = None) -> Finding:
    """Check that the model returns vectors, and that those of similar sentences are close to each other."""
    what = "Embeddings"
    if embedder is None:
        why = "is off" if settings.embedding_model == "off" else f"is not set, and the extra '{EXTRA}' is not installed"
        return note(what, f"EMBEDDING_MODEL {why}: messages are found by their words only", BY_MEANING)
    limit, took = patience(settings), list[ExtraRequest]()
    try:
        async with asyncio.timeout(limit):
            vectors = await embedder.embed(SENTENCES, Purpose.PASSAGE, took)
    except TimeoutError:
        return _failed(embedder.name, NoAnswerInTime(f"no answer within {limit:.0f} s"))
    except ModelError as exc:
        return _failed(embedder.name, exc)
    finally:
        if bill is not None:
            bill.add_extra(embedder.name, took)
    where = "on this machine, " if settings.embedding_model in (None, "local") else ""
    found = f"{where}{embedder.name} gives vectors of {len(vectors[0])} numbers"
    vector, similar, other = vectors
    if not _similarity(vector, similar) > _similarity(vector, other):
        return note(
            what, f"{found}, but sentences with the same meaning are not close to each other", BY_WORDS + BY_MEANING
        )
    return fine(what, found)


def _failed(name: str, error: ModelError) -> Finding:
    what_to_do = advice.what_to_do(error, advice.EMBEDDING)
    return note("Embeddings", f"{name}: {advice.explain(error)}", BY_WORDS + what_to_do)


def _similarity(a: Sequence[float], b: Sequence[float]) -> float:
    """The cosine similarity; 0 if it is undefined."""
    length = sqrt(sum(x * x for x in a)) * sqrt(sum(x * x for x in b))
    cosine = sum(x * y for x, y in zip(a, b, strict=True)) / length if length else 0.0
    return cosine if isfinite(cosine) else 0.0


async def check_fallback(settings: Settings, model: ChatModel) -> Finding:
    """Check that a fallback model answers."""
    answer = await ask(model, QUESTION, patience(settings))
    if answer.error is not None:
        if answer.unstreamed:
            does_not = f"{model.name} does not stream: {answer.error}"
            return note("Fallback", does_not, advice.filled(advice.NO_STREAM, advice.FALLBACK))
        what_to_do = advice.what_to_do(answer.error, advice.FALLBACK)
        return note("Fallback", f"{model.name}: {advice.explain(answer.error)}", what_to_do)
    if not answer.text.strip():
        return note("Fallback", f"{model.name} answers, but said nothing", "Try again, or try another model.")
    return fine("Fallback", f"{model.name} answers too")
