"""What the server reports of a prompt whose length is known: whether its counts are real, and how much it reads.

Some report nothing, or zeros, or the same for all; some cut longer prompts, and say nothing.
"""

from bot.conversation.tokens import TokenCounter
from bot.conversation.window_probe import ProbeResult, probe
from bot.doctor import advice
from bot.doctor.model_requests import patience
from bot.doctor.report import Finding, fine, note
from bot.errors import ModelError
from bot.llm.interface import ChatModel, Models
from bot.llm.profiles import Profiles
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
LEAST_RATIO, MOST_RATIO = 0.4, 2.5
"""Of what is reported to what we count: no tokenizer is further from ours, in plain English."""
MOST_OVERHEAD = 1000
"""Tokens that a server puts before a prompt, and that are no template any more."""
LONGER = (
    "Give the server a larger window (Ollama: OLLAMA_CONTEXT_LENGTH, llama.cpp: --ctx-size), or set CONTEXT_WINDOW to "
    "what it reads. The bot also finds that out by itself, but only after a few messages."
)
UNCOUNTED = "The bot estimates tokens instead, for budgets, /usage and the size of the window. "


async def check_context_window(
    settings: Settings, models: Models, count_tokens: TokenCounter, profiles: Profiles | None = None
) -> list[Finding]:
    """Send a short prompt and a long one, and compare."""
    model = models.of(settings.openai_model)
    window = settings.context_window or model.window
    tokens, limit = min(TOKENS, int(SHARE * window)), patience(settings)
    short = await probe(model, int(SHORT_SHARE * tokens), count_tokens, limit)
    if short.refused:
        return [_refusal(model, short)]
    if short.error is not None:
        return [_untried("Usage", settings, short.error)]
    if short.usage is None:
        switch = "If the server has a switch for usage in streams (stream_options), turn it on."
        unknown = note(WHAT, f"can't be measured without those reports; {_taken(settings, model, profiles)}")
        return [note("Usage", "the server reports no tokens, or only zeros", UNCOUNTED + switch), unknown]
    long = await probe(model, tokens, count_tokens, limit)
    return [_usage(short, long), _window(settings, model, short, long, profiles)]


def _usage(short: ProbeResult, long: ProbeResult) -> Finding:
    """Whether the counts can be true."""
    read = 0 if short.usage is None else short.usage.input
    if read < LEAST_RATIO * short.counted:
        return _unreal(f"it reported {read:,} tokens for a prompt of about {short.counted:,}")
    if long.usage is None:
        return fine("Usage", "the server reports what answers cost")
    ratio = (long.usage.input - read) / (long.counted - short.counted)
    if ratio > MOST_RATIO:
        more = f"{long.counted - short.counted:,} tokens more"
        return _unreal(f"it reported {long.usage.input - read:,} tokens more for a prompt of about {more}")
    overhead = read - max(ratio, 1.0) * short.counted
    if overhead > MOST_OVERHEAD:
        told = f"the server puts about {overhead:,.0f} tokens of its own before each prompt, and you pay for them"
        return note("Usage", told, "Check the system prompt, the template and the tools set up there.")
    return fine("Usage", f"the server reports what answers cost: {read:,} tokens where {short.counted:,} were counted")


def _unreal(told: str) -> Finding:
    how = "The bot goes by these counts, so budgets, /usage and the size of the window will be off. Ask the provider."
    return note("Usage", f"the server's counts can't be real: {told}", how)


def _window(
    settings: Settings, model: ChatModel, short: ProbeResult, long: ProbeResult, profiles: Profiles | None
) -> Finding:
    if long.refused:
        return _refusal(model, long)
    if long.error is not None:
        return _untried(WHAT, settings, long.error)
    if long.usage is None or short.usage is None or short.usage.input < LEAST_RATIO * short.counted:
        return note(WHAT, f"can't be measured with such reports; {_taken(settings, model, profiles)}")
    read, whole = long.usage.input, long.counted * short.usage.input / short.counted
    if read < READ_SHARE * whole:
        cut = "its server silently cuts longer prompts"
        told = f"measured: {read:,} tokens. That is what {model.name} read of {whole:,.0f}: {cut}"
        return note(WHAT, told, LONGER)
    taken = _taken(settings, model, profiles)
    return fine(WHAT, f"measured: {model.name} read all of a prompt of {read:,} tokens; {taken}")


def _refusal(model: ChatModel, refused: ProbeResult) -> Finding:
    limit = getattr(refused.error, "limit", None)
    measured = f" (its window is {limit:,} tokens, it says)" if limit else ""
    told = f"{model.name} refuses a prompt of {refused.counted:,} tokens{measured}: {refused.error}"
    return note(WHAT, told, LONGER)


def _taken(settings: Settings, model: ChatModel, profiles: Profiles | None) -> str:
    """The window that the bot goes by, and who says so."""
    if settings.context_window is not None:
        return f"its window is {settings.context_window:,}, as CONTEXT_WINDOW says"
    known = None if profiles is None else profiles.model(model.name)
    if known is None or known.context_window != model.window:
        return f"its window is {model.window:,}, as its server says"
    if "context_window" in known.model_fields_set:
        return f"its window is {model.window:,}, as known for this model"
    return f"its window is assumed to be {model.window:,} (CONTEXT_WINDOW changes that)"


def _untried(what: str, settings: Settings, error: ModelError) -> Finding:
    return note(what, f"could not be measured: {advice.told(error)}", advice.what_to_do(error, advice.main(settings)))
