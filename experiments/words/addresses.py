"""Addresses of a run's pages, relative to its folder."""

from experiments.words.terms import Lang

BRIEFS = "briefs"
EXPLORER = "explorer.html"


def brief_address(province: str, lang: Lang, ending: str) -> str:
    """The brief of a province.

    >>> brief_address("Inner Mongolia", "zh", "pdf")
    'briefs/Inner-Mongolia.zh.pdf'
    """
    return f"{BRIEFS}/{province.replace(' ', '-')}{'.zh' if lang == 'zh' else ''}.{ending}"
