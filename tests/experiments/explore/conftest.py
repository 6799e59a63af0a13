"""The explorer with few members of the real model."""

import pytest

from experiments.explore import Live, open_live


@pytest.fixture(scope="session")
def live() -> Live:
    """Twenty-four members of the shipped study."""
    return open_live(members=24)
