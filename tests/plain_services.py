"""Services are plain classes that ask their neighbours: what is not so yet, and how that is found."""

import ast
import re

from tests.syntax import statements, tree

LONG_REACHES = {
    "bot.conversation.window": 2,
    "bot.conversation.window_probe": 1,
    "bot.handlers.budget_command": 1,
    "bot.handlers.table": 12,
    "bot.llm.embeddings": 1,
    "bot.llm.transcription": 1,
}
"""How many ``self.a.b.c`` a file still has: the object in between is to be asked, or the thing to be given.

The numbers only go down: lower them with the code, to nothing.
"""

SERVICE_DATACLASSES = {
    "bot.conversation.matching": 1,
    "bot.conversation.memory_text": 1,
    "bot.conversation.prompt_builder": 1,
    "bot.conversation.recall": 1,
    "bot.conversation.usage_recorder": 1,
    "bot.handlers.context": 4,
    "bot.handlers.rate_limits": 1,
    "bot.handlers.table": 2,
    "bot.llm.error_bodies": 1,
    "bot.llm.profiles": 1,
    "bot.outbound.blocks": 1,
    "bot.outbound.numbering": 1,
    "bot.outbound.refusals": 1,
    "storage.store": 1,
}
"""How many services of a file are still dataclasses: they become classes with private attributes. Likewise."""


_REACH = re.compile(r"\bself(?:\s*\.\s*\w+){3}")
"""What makes it worth walking through all expressions of a source."""


def long_reaches(source: str) -> list[str]:
    """``self.a.b.c``: what an object takes out of an object's object; the tables of the storage count as its own."""
    found = []
    for node in ast.walk(tree(source)) if _REACH.search(source) else ():
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.insert(0, node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id == "self" and len(names) == 3 and names[0].strip("_") != "storage":
            found.append(".".join(["self", *names]))
    return found


def service_dataclasses(source: str) -> list[str]:
    """The dataclasses that are no values: they wait for something, or hold what changes."""
    found = []
    for node in (one for one in statements(tree(source)) if isinstance(one, ast.ClassDef)):
        if any("dataclass" in ast.unparse(one) for one in node.decorator_list):
            waits = any(isinstance(one, ast.AsyncFunctionDef) for one in node.body)
            fields = [ast.unparse(one) for one in node.body if isinstance(one, ast.AnnAssign)]
            if waits or any("default_factory" in one for one in fields):
                found.append(node.name)
    return found


def unplain(module: str, source: str) -> list[str]:
    """What a module has of both, where it is more than it may have."""
    kinds = ((long_reaches(source), LONG_REACHES), (service_dataclasses(source), SERVICE_DATACLASSES))
    return [one for found, still in kinds if len(found) > still.get(module, 0) for one in found]
