"""Checks of the main model: whether it answers, calls tools, and has a prompt cache.

They run one after another, because a self-hosted server may not handle two requests at a time.
"""

import asyncio
import secrets
from functools import partial
from urllib.parse import urlsplit

from bot import errors
from bot.conversation.tokens import TokenCounter
from bot.doctor import advice, context_window, media_checks
from bot.doctor.media_checks import LONG_TEXT
from bot.doctor.model_requests import QUESTION, ProbeAnswer, ask, patience
from bot.doctor.report import Check, Finding, cross, fine, guarded, note
from bot.llm.interface import DEFAULT, Message, Models, Options, Tool
from bot.llm.profiles import Profiles
from bot.settings import Settings

PASSING = (errors.RateLimited, errors.ContentRefused)
"""Failures of a single request, which may not affect the next one."""
TOOLS = "Tools"
LOOK_UP = Tool("look_up", "Looks up the number that a ship has.", "ship", "The name of the ship.")
TOOL_QUESTION = Message(
    "user", "Which number has the ship Aurora? Call look_up once, then answer with that number alone."
)
OPTIONS = Options(thinking=False, tools=(LOOK_UP,), may_call=True)
ADVICE = "Set TOOLS=off, or turn on tool calls on the server (vLLM: --enable-auto-tool-choice, --tool-call-parser)."
PAUSE_S = 1.0
"""Some servers only write a prompt to their cache after answering it."""
CACHE = "Prompt cache"
REST_S = 180.0
"""The time limit for all checks after the first answer."""


async def check_answer(settings: Settings, models: Models) -> tuple[Finding, ProbeAnswer]:
    """Check that it answers, with the bot's default options, so with thinking if the model does that."""
    answer = await ask(models.of(settings.openai_model), QUESTION, patience(settings), DEFAULT)
    return _judged(settings, answer), answer


def _judged(settings: Settings, answer: ProbeAnswer) -> Finding:
    name, variables = f"{settings.openai_model} at {urlsplit(settings.model_url).hostname}", advice.main(settings)
    if answer.error is None:
        if answer.text.strip():
            return fine("Model", f"{name} answers and streams")
        return note("Model", f"{name} answers and streams, but said nothing", "Try again, or try another model.")
    if answer.unstreamed:
        what = f"{name} does not stream: {answer.error}"
        return cross("Model", what, advice.filled(advice.NO_STREAM, variables))
    what_to_do = advice.what_to_do(answer.error, variables)
    if isinstance(answer.error, PASSING):
        return note("Model", f"{name} gave no answer this time: {advice.explain(answer.error)}", what_to_do)
    return cross("Model", f"{name}: {advice.explain(answer.error)}", what_to_do)


async def check_tools(settings: Settings, models: Models) -> Finding:
    """Check that it calls a tool, and uses the result, as TOOLS=on requires."""
    model = models.of(settings.openai_model)
    if not model.calls:
        return _unknown(settings, model.name)
    limit, number = patience(settings), str(10_000 + secrets.randbelow(90_000))
    first = await ask(model, (TOOL_QUESTION,), limit, OPTIONS)
    if first.error is not None:
        return note(TOOLS, f"{model.name} was offered a tool and failed: {advice.explain(first.error)}", ADVICE)
    if not model.calls:
        return note(TOOLS, f"the server of {model.name} rejects tools", ADVICE)
    if not first.calls:
        return note(TOOLS, f"{model.name} was asked to call a tool, and said: {first.said}", ADVICE)
    called = Message("assistant", first.text, calls=first.calls, opaque=first.opaque)
    results = (Message("tool", number, answers=call.id) for call in first.calls)
    second = await ask(model, (TOOL_QUESTION, called, *results), limit, OPTIONS)
    if second.error is not None:
        return note(
            TOOLS, f"{model.name} calls tools, but fails on their results: {advice.explain(second.error)}", ADVICE
        )
    if number not in second.text.replace(",", ""):
        return note(TOOLS, f"{model.name} calls tools, but turned the result {number} into: {second.said}", ADVICE)
    more = "" if settings.tools == "on" else "; with TOOLS=on it could look things up by itself"
    return fine(TOOLS, f"{model.name} calls tools and reads their results{more}")


def _unknown(settings: Settings, name: str) -> Finding:
    if settings.tools == "off":
        return fine(TOOLS, f"TOOLS is off, and {name} is not known to call tools")
    found = f"TOOLS is on, but {name} is not known to call tools, so it is offered none"
    return note(TOOLS, found, "If it can, set tools = true for it in the MODEL_PROFILES file. If not, set TOOLS=off.")


async def check_cache(settings: Settings, models: Models) -> Finding:
    """Send the same long beginning twice, with cache markers if the bot would use them."""
    model, limit = models.of(settings.openai_model), patience(settings)
    mark = settings.cache_markers == "on" or (
        settings.cache_markers == "auto" and models.cache(settings.openai_model).explicit
    )
    head = Message("system", LONG_TEXT, mark=mark)
    for number in ("one", "two"):
        answer = await ask(model, (head, Message("user", f"Say {number}, in one word.")), limit)
        if answer.error is not None:
            what_to_do = advice.what_to_do(answer.error, advice.main(settings))
            return note(CACHE, f"could not be tested: {advice.explain(answer.error)}", what_to_do)
        if number == "one":
            await asyncio.sleep(PAUSE_S)
    if answer.usage is None:
        return note(CACHE, "the server reports no tokens, so there is no telling whether it has one")
    if not answer.usage.cached:
        return note(
            CACHE,
            "the server reports no cached tokens for a prompt it saw twice",
            "Answers are just as good, but cost more. If it has no cache, set CACHED_PRICE=1. Your own server may have "
            "a switch for it (vLLM: --enable-prompt-tokens-details).",
        )
    return fine(CACHE, f"{answer.usage.cached:,} of {answer.usage.input:,} tokens came from it on the second request")


async def check_main_model(
    settings: Settings, models: Models, count_tokens: TokenCounter, profiles: Profiles | None = None
) -> list[Finding]:
    """Run all checks of the main model; if it doesn't answer, the others are skipped."""
    first, answer = await check_answer(settings, models)
    if answer.error is not None:
        return [first]
    main = models.of(settings.openai_model)
    rest: dict[str, Check] = {
        "Usage": partial(context_window.check_context_window, settings, models, count_tokens, profiles),
        "Prompt cache": partial(check_cache, settings, models),
        "Tools": partial(check_tools, settings, models),
        "Pictures": partial(media_checks.pictures, settings, models),
        **({"Voice": partial(media_checks.voice, settings, main, None)} if main.capabilities.hears else {}),
    }
    found, clock = [first], asyncio.get_running_loop().time
    until = clock() + REST_S
    for what, check in rest.items():
        found += await guarded(what, check, max(until - clock(), 0.0))
    return found
