"""The example test in CONTRIBUTING.md is a test that passes."""

import re
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Stage

PAGE = Path(__file__).parent.parent.parent / "CONTRIBUTING.md"


async def test_example_in_contributing_passes(stage: Stage) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(source, names)
    (example,) = (value for name, value in names.items() if name.startswith("test_"))
    await example(stage)
