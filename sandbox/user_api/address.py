"""Where the user-side API of a running sandbox is, for programs of the same user: a file among the sandbox's own."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "sandbox-user-api.json"
OWNER_ONLY = 0o600


@contextmanager
def shared_address(folder: Path, url: str, token: str) -> Iterator[None]:
    """Keep the file while the block runs."""
    path = folder / NAME
    path.unlink(missing_ok=True)  # a killed sandbox left it
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w", encoding="utf-8") as file:
        json.dump({"url": url, "token": token}, file)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def read_address(folder: Path) -> tuple[str, str]:
    """The Bot API server's URL and the token; raises OSError if no sandbox runs in the folder."""
    found = json.loads((folder / NAME).read_text(encoding="utf-8"))
    return str(found["url"]), str(found["token"])
