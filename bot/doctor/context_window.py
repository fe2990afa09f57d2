"""Checks the token counts that a server reports for prompts of known length, and how long a prompt it reads.

Some servers report nothing, zeros, or the same number every time; some silently cut longer prompts.
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
"""The length of the long prompt: more than Ollama's default window."""
SHARE = 0.8
"""The share of a smaller window that the long prompt may take."""
SHORT_SHARE = 0.25
"""The length of the short prompt, relative to the long one: it shows how far the bot's own count is off."""
READ_SHARE = 0.85
"""The share of the expected count below which the long prompt must have been cut."""
LEAST_RATIO, MOST_RATIO = 0.4, 2.5
"""The range of reported to counted tokens: in plain English no tokenizer is further off."""
MOST_OVERHEAD = 1000
"""The most tokens that a server's own template may add to a prompt."""
LONGER = (
    "Give the server a larger window (Ollama: OLLAMA_CONTEXT_LENGTH, llama.cpp: --ctx-size), or set CONTEXT_WINDOW to "
    "what it reads. The bot also finds that out by itself, but only after a few messages."
)
UNCOUNTED = "The bot estimates tokens instead, for budgets, /usage and the size of the window. "


async def check_context_window(
    settings: Settings, models: Models, count_tokens: TokenCounter, profiles: Profiles | None = None
) -> list[Finding]:
    """Send a short and a long prompt, and compare what is reported."""
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
    """Whether the reported counts are plausible."""
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
        found = f"the server puts about {overhead:,.0f} tokens of its own before each prompt, and you pay for them"
        return note("Usage", found, "Check the system prompt, the template and the tools set up there.")
    return fine("Usage", f"the server reports what answers cost: {read:,} tokens where {short.counted:,} were counted")


def _unreal(reason: str) -> Finding:
    how = "The bot goes by these counts, so budgets, /usage and the size of the window will be off. Ask the provider."
    return note("Usage", f"the server's counts can't be real: {reason}", how)


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
        found = f"measured: {read:,} tokens. That is what {model.name} read of {whole:,.0f}: {cut}"
        return note(WHAT, found, LONGER)
    taken = _taken(settings, model, profiles)
    return fine(WHAT, f"measured: {model.name} read all of a prompt of {read:,} tokens; {taken}")


def _refusal(model: ChatModel, refused: ProbeResult) -> Finding:
    limit = getattr(refused.error, "limit", None)
    measured = f" (its window is {limit:,} tokens, it says)" if limit else ""
    found = f"{model.name} refuses a prompt of {refused.counted:,} tokens{measured}: {refused.error}"
    return note(WHAT, found, LONGER)


def _taken(settings: Settings, model: ChatModel, profiles: Profiles | None) -> str:
    """The window that the bot assumes, and where it is from."""
    if settings.context_window is not None:
        return f"its window is {settings.context_window:,}, as CONTEXT_WINDOW says"
    known = None if profiles is None else profiles.model(model.name)
    if known is None or known.context_window != model.window:
        return f"its window is {model.window:,}, as its server says"
    if "context_window" in known.model_fields_set:
        return f"its window is {model.window:,}, as known for this model"
    return f"its window is assumed to be {model.window:,} (CONTEXT_WINDOW changes that)"


def _untried(what: str, settings: Settings, error: ModelError) -> Finding:
    return note(
        what, f"could not be measured: {advice.explain(error)}", advice.what_to_do(error, advice.main(settings))
    )
