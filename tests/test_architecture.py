"""Imports point one way, and files and functions stay small."""

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.import_rules import MAY_IMPORT, ONLY_IN
from tests.plain_services import long_reaches, service_dataclasses, unplain
from tests.syntax import statements, tree

ROOT = Path(__file__).parent.parent
FILE_LINES = 350
FUNCTION_LINES = 60
TEST_NAME_WORDS = 8  # a longer sentence is the docstring of the test
_TEST_NAME = re.compile(r"\bdef\s+(test_\w+)")
LEAST_LINES = 40
"""A shorter file is hardly worth opening: what it holds belongs to a neighbour."""
SHORT: dict[str, str] = {}
"""Modules that may be shorter, and why; packages' own files are short anyway."""
OURS = ("bot", "storage", "sandbox")


@cache
def _sources(*folders: str) -> list[Path]:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [ROOT / name for name in tracked if not folders or name.split("/")[0] in folders]


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(source: str) -> Iterator[str]:
    for node in statements(tree(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_in(name: str, parts: set[str]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def _part(module: str) -> str:
    return max((part for part in MAY_IMPORT if _is_in(module, {part})), key=len)


def wrong_imports(module: str, source: str) -> list[str]:
    """The imports of a module that the rules do not allow."""
    part = _part(module)
    allowed = MAY_IMPORT[part] | {part}
    found = []
    for name in _imports(source):
        ours = name.split(".")[0] in ("bot", "storage", "sandbox")
        keeper = ONLY_IN.get(name.split(".")[0])
        if (ours and not _is_in(name, allowed)) or (keeper is not None and not _is_in(module, keeper)):
            found.append(name)
    return found


def long_functions(source: str) -> list[str]:
    """The functions that are longer than they may be."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [node for node in statements(tree(source)) if isinstance(node, kinds)]
    return [one.name for one in functions if (one.end_lineno or 0) - one.lineno >= FUNCTION_LINES]


def long_test_names(source: str) -> list[str]:
    """The names of tests with more words after `test_` than they may have."""
    return [one for one in _TEST_NAME.findall(source) if len(one.split("_")) > 1 + TEST_NAME_WORDS]


def doubles(names: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Of pairs of a name and where it is, the names that occur in several places."""
    places: dict[str, list[str]] = {}
    for name, place in names:
        places.setdefault(name, []).append(place)
    return {name: found for name, found in places.items() if len(found) > 1}


def _classes(source: str) -> list[str]:
    return [node.name for node in statements(tree(source)) if isinstance(node, ast.ClassDef)]


def test_imports_point_one_way() -> None:
    wrong = {_module(path): wrong_imports(_module(path), _text(path)) for path in _sources(*OURS)}
    assert {module: found for module, found in wrong.items() if found} == {}


def test_running_bot_has_no_inspector() -> None:
    """Only the shell's command imports it, when it is given."""
    importing = {_module(path) for path in _sources("bot") for name in _imports(_text(path)) if "bot.inspector" in name}
    assert {module for module in importing if not module.startswith("bot.inspector")} == {"bot.__main__"}


def test_files_and_functions_stay_small() -> None:
    texts = {_module(path): _text(path) for path in _sources()}
    assert [module for module, text in texts.items() if len(text.splitlines()) > FILE_LINES] == []
    long = {module: long_functions(text) for module, text in texts.items()}
    assert {module: found for module, found in long.items() if found} == {}


def test_no_file_is_too_short() -> None:
    modules = {_module(path): path for path in _sources("bot", "storage") if path.stem not in ("__init__", "__main__")}
    short = {name for name, path in modules.items() if len(_text(path).splitlines()) < LEAST_LINES}
    assert short == set(SHORT)


@pytest.mark.parametrize("parts", [("bot", "storage"), ("sandbox",)])
def test_no_name_occurs_twice(parts: tuple[str, ...]) -> None:
    """The sandbox plays Telegram and a provider, and calls things as they do: it counts by itself."""
    sources = _sources(*parts)
    modules = [(path.stem, _module(path)) for path in sources if path.stem not in ("__init__", "__main__")]
    assert doubles(modules) == {}
    assert doubles((name, _module(path)) for path in sources for name in _classes(_text(path))) == {}


def test_a_double_name_is_seen() -> None:
    assert doubles([("Turn", "storage.records"), ("Chat", "storage.records"), ("Turn", "bot.llm.gate")]) == {
        "Turn": ["storage.records", "bot.llm.gate"]
    }


def test_services_are_plain_and_ask_neighbours() -> None:
    found = {_module(path): unplain(_module(path), _text(path)) for path in _sources("bot", "storage")}
    assert {module: some for module, some in found.items() if some} == {}


def test_names_of_tests_stay_short() -> None:
    long = {_module(path): long_test_names(_text(path)) for path in _sources("tests")}
    assert {module: found for module, found in long.items() if found} == {}


def test_every_module_says_what_it_promises() -> None:
    assert [_module(path) for path in _sources(*OURS) if not ast.get_docstring(tree(_text(path)))] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("bot.conversation.turn", "import telegram"),
        ("bot.conversation.turn", "def late():\n    try:\n        pass\n    except OSError:\n        import telegram"),
        ("bot.conversation.turn", "from bot.outbound.delivery import Sender"),
        ("bot.conversation.turn", "from bot.llm.chat_completions import ChatCompletions"),
        ("bot.handlers.messages", "import openai"),
        ("bot.outbound.delivery", "from storage import Storage"),
        ("storage.chats", "from bot import errors"),
        ("sandbox.world", "from bot.settings import load"),
        ("bot.llm.interface", "import aiosqlite"),
        ("bot.updates.lanes", "from bot.handlers import table"),
        ("bot.doctor.main_model", "import openai"),
        ("bot.doctor.report", "import telegram"),
    ],
)
def test_a_wrong_import_is_seen(module: str, source: str) -> None:
    assert wrong_imports(module, source)


def test_a_long_function_is_seen() -> None:
    assert long_functions("def long():\n" + "    x = 1\n" * FUNCTION_LINES) == ["long"]
    assert long_functions("def short():\n" + "    x = 1\n" * (FUNCTION_LINES - 1)) == []


def test_long_name_of_test_is_found() -> None:
    long = "test_a_b_c_d_e_f_g_h_i"
    source = f"def test_a_b_c_d_e_f_g_h(): ...\nclass Test:\n    async def {long}(self): ...\ndef of_{long}(): ..."
    assert long_test_names(source) == [long]


def test_long_reach_and_service_dataclass_are_seen() -> None:
    assert long_reaches("self.a.b.c()\nself.storage.chats.find()\nself.a.b()") == ["self.a.b.c"]
    head = "@dataclass(frozen=True)\nclass One:\n"
    assert service_dataclasses(head + "    async def ask(self): ...") == ["One"]
    assert service_dataclasses(head + "    seen: set[int] = field(default_factory=set)") == ["One"]
    assert service_dataclasses(head + "    number: int") == []
