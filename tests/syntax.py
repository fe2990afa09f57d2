"""Sources as trees, for the tests that read the project's own code."""

import ast
from collections.abc import Iterator
from functools import cache


@cache
def tree(source: str) -> ast.Module:
    """A source, parsed once for all tests."""
    return ast.parse(source)


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements in it, however deep; expressions, which are most of a tree, are passed over."""
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        inner = getattr(node, block, ())
        for one in inner if isinstance(inner, list) else ():
            yield one
            yield from statements(one)
