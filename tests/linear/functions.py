"""Every function of the bot that runs over other people's texts, as a function of one text.

What takes one text is found by itself, also in modules that are added later. The rest is listed with what it is called
with.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping

import bot
import storage
from tests.linear.calls import CALLS, iterated

Run = Callable[[str], object]
OURS = (
    *("bot.cli.", "bot.doctor.", "bot.workers.", "bot.settings.", "bot.setting_types.", "bot.api_keys."),
    *("bot.language.", "bot.conversation.time_words.", "bot.conversation.tokens.make_counter", "bot.llm.profiles."),
    *("bot.conversation.since._months", "bot.handlers.usage_command._fonts", "bot.handlers.membership._code"),
    *("bot.conversation.prompt.instruction", "bot.logs._forms", "storage.old_index."),
)
"""What sees the operator's or our own texts only."""
BOUNDED: Mapping[str, str] = {}
"""Functions that see nothing long, and why."""


def functions() -> dict[str, Run]:
    """What is measured, by its name."""
    return {
        name: run for name, run in (discovered() | CALLS).items() if name not in BOUNDED and not name.startswith(OURS)
    }


def discovered() -> dict[str, Run]:
    """The functions of all modules that need one text and nothing else."""
    found: dict[str, Run] = {}
    for package in (bot, storage):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                for name, value in vars(importlib.import_module(module.name)).items():
                    if inspect.isfunction(value) and value.__module__ == module.name and takes_text(value):
                        found[f"{module.name}.{name}"] = iterated(value)
    return found


def takes_text(function: Callable[..., object]) -> bool:
    """Whether it can be called with a text alone."""
    needed = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    ]
    is_text = [parameter.annotation in (str, "str", "str | None", str | None) for parameter in needed]
    return is_text == [True] and not inspect.iscoroutinefunction(function)
