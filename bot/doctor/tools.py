"""Whether the model calls functions, and goes on with what they return: what TOOLS=on needs."""

import secrets

from bot.doctor import advice
from bot.doctor.asking import ask, patience
from bot.doctor.report import Finding, fine, note
from bot.llm.interface import Message, Models, Options, Tool
from bot.settings import Settings

WHAT = "Tools"
LOOK_UP = Tool("look_up", "Looks up the number that a ship has.", "ship", "The name of the ship.")
QUESTION = Message("user", "Which number has the ship Aurora? Call look_up once, then answer with that number alone.")
OPTIONS = Options(thinking=False, tools=(LOOK_UP,), may_call=True)
ADVICE = "Set TOOLS=off, or turn on tool calls on the server (vLLM: --enable-auto-tool-choice, --tool-call-parser)."


async def check(settings: Settings, models: Models) -> Finding:
    """Offer a function, and see the answer that needs its result."""
    model = models.of(settings.openai_model)
    if not model.calls:
        return _unknown(settings, model.name)
    limit, number = patience(settings), str(10_000 + secrets.randbelow(90_000))
    first = await ask(model, (QUESTION,), limit, OPTIONS)
    if first.error is not None:
        return note(WHAT, f"{model.name} was offered a tool and failed: {advice.told(first.error)}", ADVICE)
    if not model.calls:
        return note(WHAT, f"the server of {model.name} rejects tools", ADVICE)
    if not first.calls:
        return note(WHAT, f"{model.name} was asked to call a tool, and said: {first.said}", ADVICE)
    called = Message("assistant", first.text, calls=first.calls, opaque=first.opaque)
    results = (Message("tool", number, answers=call.id) for call in first.calls)
    second = await ask(model, (QUESTION, called, *results), limit, OPTIONS)
    if second.error is not None:
        return note(WHAT, f"{model.name} calls tools, but fails on their results: {advice.told(second.error)}", ADVICE)
    if number not in second.text.replace(",", ""):
        return note(WHAT, f"{model.name} calls tools, but turned the result {number} into: {second.said}", ADVICE)
    more = "" if settings.tools == "on" else "; with TOOLS=on it could look things up by itself"
    return fine(WHAT, f"{model.name} calls tools and reads their results{more}")


def _unknown(settings: Settings, name: str) -> Finding:
    if settings.tools == "off":
        return fine(WHAT, f"TOOLS is off, and {name} is not known to call tools")
    told = f"TOOLS is on, but {name} is not known to call tools, so it is offered none"
    return note(WHAT, told, "If it can, set tools = true for it in the MODEL_PROFILES file. If not, set TOOLS=off.")
