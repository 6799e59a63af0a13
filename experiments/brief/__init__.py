"""The brief: one A4 page a province, as PDF and as a page of HTML, in both languages."""

from experiments.brief.write import prepare, write

__all__ = ["prepare", "write"]
