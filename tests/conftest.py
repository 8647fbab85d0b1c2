"""Rules for all tests: in CI, a test of the browser, MPI or notebooks must not be skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# How long an example takes says more about the machine than about the code; CI draws the same
# examples each time; nothing is written into the checkout.
hypothesis.settings.register_profile(
    "project", deadline=None, database=None, derandomize=bool(os.environ.get("CI"))
)
hypothesis.settings.load_profile("project")

# Tests that a missing part of the system may stop on a laptop, but not in CI.
REQUIRED_MARKERS = ("browser", "mpi", "notebook")
REQUIRED_PATHS = ("tests/book/test_browser", "tests/notebooks/")


def in_ci() -> bool:
    return os.environ.get("CI", "false").lower() not in ("", "0", "false")


def pytest_configure(config: pytest.Config) -> None:
    # Tests find the project they make themselves, never the one named outside.
    os.environ.pop("MLSCI_HOME", None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    required = item.nodeid.startswith(REQUIRED_PATHS) or any(
        item.get_closest_marker(name) for name in REQUIRED_MARKERS
    )
    if report.skipped and required and in_ci() and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and in_ci() and collector.nodeid.startswith(REQUIRED_PATHS):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


@pytest.fixture(scope="session")
def top() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium without a window and without a network."""
    chromium = _program("chromium", "chromium-browser")
    driver = _program("chromedriver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={tmp_path_factory.mktemp('browser')}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    window = webdriver.Chrome(options=options, service=Service(driver))
    window.set_script_timeout(30)
    window.set_page_load_timeout(60)
    try:
        yield window
    finally:
        window.quit()


def _program(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        message = f"no {names[0]} here; install it with: apt-get install chromium chromium-driver"
        (pytest.fail if in_ci() else pytest.skip)(message)
    return str(found)
