"""The Chromium that these tests start, and how.

    python -m tests.browser.chromium

prints which one that is; without one it says so, and exits with 77.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SKIPPED = 77
"""The exit code of what was not run, by an old convention."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--use-fake-ui-for-media-stream",  # no question about the microphone ...
    "--use-fake-device-for-media-stream",  # ... which beeps
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing leaves this machine
)


def executable() -> str:
    """Its path; "" if there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), "")


def missing() -> str:
    """What keeps the tests from running; "" if nothing does."""
    if find_spec("playwright") is None:
        return "Playwright is not installed: make test-browser installs it"
    if not executable():
        return "Chromium is not installed (Debian's package: chromium); CHROMIUM may name another one"
    return ""


@contextmanager
def launched() -> Iterator["Browser"]:
    """Chromium while the block runs; its own sandbox refuses to work for root."""
    from playwright.sync_api import sync_playwright

    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else [*FLAGS]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=flags)
        yield browser
        browser.close()


def main() -> int:
    if reason := missing():
        print(f"Tests in a browser: {reason}", file=sys.stderr)
        return SKIPPED
    print(f"Tests in a browser: {executable()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
