"""The explorer with few members of the real model."""

from dataclasses import replace

import pytest

from experiments.explore import Members, open_explorer

HOSTILE = "</script><script>alert(1)</script><!-- \u2028 & \" ' 省"
"""A title that no page may take for markup."""


@pytest.fixture(scope="session")
def held() -> Members:
    """Sixteen members of the shipped study, under a hostile title."""
    held = open_explorer(members=16)
    return replace(held, study=held.study.model_copy(update={"title": HOSTILE, "title_zh": HOSTILE}))
