"""What the bot can do without: another model, and finding turns by meaning."""

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
"""The second means what the first does, the third something else."""
BY_MEANING = (
    f"To search by meaning too, in any language, install the extra '{EXTRA}' (EMBEDDING_MODEL=local), or use a "
    "model on a server (on DashScope: text-embedding-v4)."
)
BY_WORDS = "Until then, messages are found by their words only. "


async def meaning(settings: Settings, embedder: Embedder | None, bill: Bill | None = None) -> Finding:
    """The embedding model: has it vectors, and are those of like sentences near each other."""
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
            bill.add_beside(embedder.name, took)
    where = "on this machine, " if settings.embedding_model in (None, "local") else ""
    told = f"{where}{embedder.name} gives vectors of {len(vectors[0])} numbers"
    one, like, other = vectors
    if not _nearness(one, like) > _nearness(one, other):
        return note(
            what, f"{told}, but sentences with the same meaning are not close to each other", BY_WORDS + BY_MEANING
        )
    return fine(what, told)


def _failed(name: str, error: ModelError) -> Finding:
    what_to_do = advice.what_to_do(error, advice.EMBEDDING)
    return note("Embeddings", f"{name}: {advice.told(error)}", BY_WORDS + what_to_do)


def _nearness(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine; 0 where there is none."""
    length = sqrt(sum(x * x for x in one)) * sqrt(sum(x * x for x in other))
    cosine = sum(x * y for x, y in zip(one, other, strict=True)) / length if length else 0.0
    return cosine if isfinite(cosine) else 0.0


async def instead(settings: Settings, model: ChatModel) -> Finding:
    """A model that answers where the main one fails."""
    answer = await ask(model, QUESTION, patience(settings))
    if answer.error is not None:
        if answer.unstreamed:
            does_not = f"{model.name} does not stream: {answer.error}"
            return note("Fallback", does_not, advice.filled(advice.NO_STREAM, advice.FALLBACK))
        what_to_do = advice.what_to_do(answer.error, advice.FALLBACK)
        return note("Fallback", f"{model.name}: {advice.told(answer.error)}", what_to_do)
    if not answer.text.strip():
        return note("Fallback", f"{model.name} answers, but said nothing", "Try again, or try another model.")
    return fine("Fallback", f"{model.name} answers too")
