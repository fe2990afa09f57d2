"""A browser whose pages are watched, and a sandbox to look at.

A test in which a page did what no page of ours may do fails at its end. Pictures of what a failed test saw are kept.
"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from tests.browser import chromium, sandbox_process
from tests.browser.sandbox_process import SandboxProcess
from tests.browser.scripted_model import ScriptedModel, scripted_model

if TYPE_CHECKING:  # without Playwright, this file is still read
    from playwright.sync_api import Browser, Page

    from tests.browser.messenger import Messenger
    from tests.browser.visits import Visits

collect_ignore_glob = ["test_*.py"] if "Playwright" in chromium.missing() else []
PICTURES = Path(".pytest_cache/browser")


def pytest_report_header() -> str:
    return chromium.missing()


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    if reason := chromium.missing():
        pytest.skip(reason)
    with chromium.launched() as browser:
        yield browser


@pytest.fixture
def visits(browser: "Browser") -> Iterator["Visits"]:
    """Makes further browser contexts, such as those of other devices, for one test."""
    from tests.browser.visits import Visits

    visits = Visits(browser)
    yield visits
    visits.close()
    assert visits.faults == []


@pytest.fixture
def page(visits: "Visits") -> "Page":
    """An empty page on a large screen."""
    return visits.page()


@pytest.fixture(scope="session")
def model_server() -> Iterator[ScriptedModel]:
    with scripted_model() as model:
        yield model


@pytest.fixture
def model(model_server: ScriptedModel) -> Iterator[ScriptedModel]:
    """The model server of `sandbox`; what a test has not used of its script is not for the next one."""
    yield model_server
    model_server.clear()


@pytest.fixture(scope="session")
def sandbox(
    browser: "Browser", model_server: ScriptedModel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SandboxProcess]:
    """One for all tests that leave it as it is: they tell their messages by their words."""
    folder = tmp_path_factory.mktemp("sandbox")
    with sandbox_process.running(folder, *model_server.options, variables=model_server.variables) as running:
        yield running


@pytest.fixture
def home(sandbox: SandboxProcess, model: ScriptedModel, page: "Page") -> "Messenger":
    """The messenger, at the owner's private chat."""
    from tests.browser.messenger import Messenger

    return Messenger(page, sandbox.url).enter("You")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    visits = item.funcargs.get("visits")
    if report.when == "call" and report.failed and visits is not None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        cast("Visits", visits).take_pictures(PICTURES / item.name)
    return report
