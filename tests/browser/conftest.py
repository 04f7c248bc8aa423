"""The tests here need a browser and a report: run.sh brings both and sets CEVNSI_REPORT, else nothing is collected."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

collect_ignore = [] if "CEVNSI_REPORT" in os.environ else ["test_report_page.py"]

READY = "html[data-ready=yes]"  # a selector: the page forbids what waiting for a function would do


@pytest.fixture(scope="session")
def report() -> Path:
    """The page, of a finished run."""
    return Path(os.environ["CEVNSI_REPORT"]).resolve()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium. It needs no sandbox: the page is ours, and root has none."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = os.environ.get("CEVNSI_CHROMIUM") or None
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def opened(browser: Any, report: Path) -> Iterator[Callable[..., Any]]:
    """The page in a window of its own; what the browser said and asked for is in `said` and `asked`."""
    contexts = []

    def at(width: int = 1200, height: int = 900, *, script: bool = True) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=script)
        contexts.append(context)
        page = context.new_page()
        page.said, page.asked = [], []
        page.on("console", lambda message: page.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: page.said.append(f"error: {error}"))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(report.as_uri())
        if script:
            page.wait_for_selector(READY, state="attached")
        return page

    yield at
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def page(opened: Callable[..., Any]) -> Any:
    """The page in a wide window, shared: a test sets what it looks at."""
    return opened()
