"""What the bot can do without: another model, finding turns by meaning, and listening to voice messages."""

import asyncio

from bot.doctor.asking import THRIFTY, ask
from bot.doctor.model import QUESTION, patience
from bot.doctor.report import Finding, fine, note
from bot.doctor.samples import tone
from bot.errors import ModelError
from bot.llm.interface import ChatModel, Embedder, Purpose, Transcriber
from bot.llm.local import EXTRA
from bot.settings import Settings


async def meaning(settings: Settings, embedder: Embedder | None) -> Finding:
    """The embedding endpoint."""
    what = "Embeddings"
    if embedder is None:
        why = "is off" if settings.embedding_model == "off" else f"is not set, and the extra '{EXTRA}' is not installed"
        return note(what, f"EMBEDDING_MODEL {why}: turns are found by their words alone", _by_meaning())
    limit = patience(settings)
    try:
        async with asyncio.timeout(limit):
            (vector,) = await embedder.embed(["the cat sat on the mat"], Purpose.QUERY)
    except TimeoutError:
        return note(what, f"{embedder.name} did not answer within {limit:.0f} s", _instead())
    except ModelError as exc:
        return note(what, f"{embedder.name} failed: {exc}", _instead())
    where = "on this machine, " if settings.embedding_model in (None, "local") else ""
    return fine(what, f"{where}{embedder.name} gives vectors of {len(vector)} numbers")


async def instead(settings: Settings, model: ChatModel | None) -> list[Finding]:
    """The model that answers where the main one fails, if there is one."""
    if model is None:
        return []
    answer = await ask(model, QUESTION, patience(settings), THRIFTY)
    if answer.error is not None:
        advice = "See FALLBACK_MODEL, FALLBACK_BASE_URL and FALLBACK_API_KEY, or FALLBACK_MODELS."
        return [note("Fallback", f"{model.name} failed: {answer.error}", advice)]
    return [fine("Fallback", f"{model.name} answers too")]


async def voice(settings: Settings, model: ChatModel, transcriber: Transcriber | None) -> Finding:
    """Who listens to voice messages."""
    what, name = "Voice", settings.transcription_model
    if model.senses.hears:
        return fine(what, f"{settings.openai_model} listens to it")
    if transcriber is None:
        return note(
            what,
            f"{settings.openai_model} is not known to hear, and TRANSCRIPTION_MODEL is not set",
            "TRANSCRIPTION_MODEL names a model that writes voice messages down.",
        )
    limit = patience(settings)
    try:
        async with asyncio.timeout(limit):
            await transcriber.transcribe(tone())
    except TimeoutError:
        return note(what, f"{name} did not answer within {limit:.0f} s", _unheard())
    except ModelError as exc:
        return note(what, f"{name} failed: {exc}", _unheard())
    return fine(what, f"{name} writes it down")


def _by_meaning() -> str:
    return (
        f"By meaning too, in any language: install the extra '{EXTRA}' (EMBEDDING_MODEL=local), or name a server's "
        "model (on DashScope: text-embedding-v4)."
    )


def _instead() -> str:
    return "Turns are found by their words meanwhile. See EMBEDDING_MODEL, EMBEDDING_BASE_URL and EMBEDDING_API_KEY."


def _unheard() -> str:
    return "Voice messages wait meanwhile. See TRANSCRIPTION_MODEL, TRANSCRIPTION_BASE_URL and TRANSCRIPTION_API_KEY."
