"""What axe finds on a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

LOADING_BAR = ".q-loading-bar"
"""Quasar's own, which lasts for a moment."""
SERIOUS = ("serious", "critical")


def serious_faults(page: Page) -> list[str]:
    """The serious ones, each with where it is and what axe says of it."""
    found = Axe().run(page, context={"exclude": [[LOADING_BAR]]}).response["violations"]
    return [
        f"{one['id']}: {node['html'][:150]}: {node.get('failureSummary', '')[:300]}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"][:3]
    ]
