"""How much of a prompt the model's server reads: some cut longer ones, and say nothing."""

from bot.conversation.probe import probe
from bot.conversation.tokens import TokenCounter
from bot.doctor.model import patience
from bot.doctor.report import Finding, fine, note
from bot.llm.interface import Models
from bot.settings import Settings

WHAT = "Window"
TOKENS = 6000
"""More than the window that Ollama has where nothing else is set."""
SHARE = 0.8
"""Of a window that is known to be smaller."""
SHORT_SHARE = 0.25
"""Of that, the length of a prompt that is read in full: it tells how far our count is off."""
READ_SHARE = 0.85
"""Of what would then be reported of the long one; less is not the whole."""
ADVICE = (
    "Give the server a longer window (Ollama: OLLAMA_CONTEXT_LENGTH, llama.cpp: --ctx-size), or set CONTEXT_WINDOW to "
    "what it reads; the bot finds that out by itself, but only after some messages."
)


async def check(settings: Settings, models: Models, count_tokens: TokenCounter) -> list[Finding]:
    """Send a long prompt and compare; nothing is told where the server reports no usage."""
    model = models.of(settings.openai_model)
    window = settings.context_window or model.window
    tokens, limit = min(TOKENS, int(SHARE * window)), patience(settings)
    short = await probe(model, int(SHORT_SHARE * tokens), count_tokens, limit)
    if short.error is not None or short.usage is None:
        return []
    found = await probe(model, tokens, count_tokens, limit)
    if found.refused:
        return [note(WHAT, f"{model.name} refuses a prompt of {found.counted} tokens: {found.error}", ADVICE)]
    if found.error is not None or found.usage is None:
        return []
    read, whole = found.usage.input, found.counted * short.usage.input / short.counted
    if read < READ_SHARE * whole:
        told = f"{model.name} read {read} of {whole:.0f} tokens: its server cuts longer prompts in silence"
        return [note(WHAT, told, ADVICE)]
    return [fine(WHAT, f"{model.name} read all of a prompt of {read} tokens; {window:,} are taken to be its window")]
