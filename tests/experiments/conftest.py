"""Fixtures that several folders share."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.experiments.browser import start


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium that logs console and network; skipped by name where there is none."""
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        pytest.skip("no Chromium with chromedriver on this machine (apt-get install chromium chromium-driver)")
    driver = start()
    yield driver
    driver.quit()
