"""How the code is cut: sizes of files and functions, collaborators, reaches and prose, as a table.

``python -m benchmarks.code`` counts what is tracked by git. A row is a package; tests are left out of it but for the
last column, lines of tests for a line of code.
"""

import ast
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

ROOT = Path(__file__).parent.parent
SHORT_FILE = 40
"""Lines of a file that is hardly worth opening."""
BUILTIN = frozenset({
    "str", "int", "float", "bool", "bytes", "None", "object", "Path", "tzinfo", "datetime", "date", "tuple", "list",
    "dict", "set", "frozenset", "Callable", "Sequence", "Mapping", "Iterable", "Collection", "Awaitable", "Any",
})  # fmt: skip
"""Types that a constructor takes as values; whatever else it takes is a collaborator."""
COLUMNS = (
    ("modules", "lines", "file med/p95/max", f"<= {SHORT_FILE}", "fn med/p95/max", "params mean/max", "pass-through"),
    ("doc fn/class", "# per 100", "collaborators mean/p95/max", "a.b.c.d per 1,000", "tests : code"),
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """One file: its tree, and its lines."""

    path: Path
    tree: ast.Module
    lines: Sequence[str]

    def functions(self) -> Iterator[Function]:
        """All of them, methods and nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def classes(self) -> Iterator[ast.ClassDef]:
        """All of them."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))


def main() -> None:
    """Print the table."""
    tracked = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    modules = [_module(ROOT / name) for name in tracked]
    tests = [one for one in modules if _top(one) == "tests"]
    rows = {"bot + storage": [one for one in modules if _top(one) in ("bot", "storage")]}
    for package in sorted({_package(one) for one in rows["bot + storage"]}):
        rows[package] = [one for one in rows["bot + storage"] if _package(one) == package]
    rows["sandbox"] = [one for one in modules if _top(one) == "sandbox"]
    columns = [name for half in COLUMNS for name in half]
    print(f"| {' | '.join(['', *columns])} |")
    print("|---" * (len(columns) + 1) + "|")
    for name, found in rows.items():
        print(f"| {' | '.join([name, *_row(found, tests if name == 'bot + storage' else ())])} |")


def _module(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    return Module(path, ast.parse(text), text.splitlines())


def _top(module: Module) -> str:
    return module.path.relative_to(ROOT).parts[0]


def _package(module: Module) -> str:
    parts = module.path.relative_to(ROOT).parts
    return parts[0] if parts[0] == "storage" else "/".join(parts[:2]) if len(parts) > 2 else "bot (root)"


def _row(modules: Sequence[Module], tests: Sequence[Module]) -> Iterator[str]:
    lines = [len(one.lines) for one in modules if one.lines]
    functions = [node for one in modules for node in one.functions()]
    classes = [node for one in modules for node in one.classes()]
    sizes = [_size(node) for node in functions]
    taken = [_parameters(node) for node in functions]
    collaborators = [count for node in classes if (count := _collaborators(node)) is not None] or [0]
    comments = sum(line.lstrip().startswith("#") or "  # " in line for one in modules for line in one.lines)
    reaches = sum(_reaches(one.tree) for one in modules)
    yield f"{len(modules)}"
    yield f"{sum(lines):,}"
    yield _spread(lines)
    yield f"{sum(size <= SHORT_FILE for size in lines) / len(modules):.0%}"
    yield _spread(sizes or [0])
    yield f"{mean(taken or [0]):.2f} / {max(taken, default=0)}"
    yield f"{sum(map(_passes_through, functions)) / max(len(functions), 1):.1%}"
    yield f"{_documented(functions):.0%} / {_documented(classes):.0%}"
    yield f"{100 * comments / sum(lines):.1f}"
    yield f"{mean(collaborators):.1f} / {_percentile(collaborators, 0.95):.0f} / {max(collaborators)}"
    yield f"{1000 * reaches / sum(lines):.1f}"
    yield f"{sum(len(one.lines) for one in tests) / sum(lines):.2f}" if tests else ""


def _spread(values: Sequence[int]) -> str:
    return f"{median(values):.0f} / {_percentile(values, 0.95):.0f} / {max(values)}"


def _percentile(values: Sequence[int], share: float) -> int:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def _size(node: Function) -> int:
    """Its lines, without decorators."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _parameters(node: Function) -> int:
    arguments = node.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def _passes_through(node: Function) -> bool:
    """Whether it does nothing but call one other function with the very names that it was given."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if len(body) != 1 or not isinstance(body[0], ast.Return | ast.Expr):
        return False
    value = body[0].value.value if isinstance(body[0].value, ast.Await) else body[0].value
    if not isinstance(value, ast.Call):
        return False
    given = {one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    passed = [*value.args, *(keyword.value for keyword in value.keywords)]
    return all(isinstance(one, ast.Name) and one.id in given for one in passed)


def _documented(nodes: Sequence[Function] | Sequence[ast.ClassDef]) -> float:
    return sum(ast.get_docstring(node) is not None for node in nodes) / max(len(nodes), 1)


def _collaborators(node: ast.ClassDef) -> int | None:
    """What its constructor takes, or its fields without a default; None: it has no methods, so it is a value."""
    methods = {one.name: one for one in node.body if isinstance(one, Function)}
    if not methods.keys() - {"__init__", "__post_init__"}:
        return None
    if "__init__" in methods:
        arguments = methods["__init__"].args
        taken = [one.annotation for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)[1:]]
    else:
        taken = [one.annotation for one in node.body if isinstance(one, ast.AnnAssign) and one.value is None]
    return sum(annotation is not None and not _is_value(annotation) for annotation in taken)


def _is_value(annotation: ast.expr) -> bool:
    names = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
    return names <= BUILTIN


def _reaches(tree: ast.Module) -> int:
    """Attributes three steps from ``self``: ``self.a.b.c``."""
    count = 0
    for node in ast.walk(tree):
        steps, inner = 0, node
        while isinstance(inner, ast.Attribute):
            steps, inner = steps + 1, inner.value
        count += steps == 3 and isinstance(inner, ast.Name) and inner.id == "self"
    return count


if __name__ == "__main__":
    main()
