"""The report of a run: one self-contained HTML file a language, and PDF on request."""

from experiments.report.write import printed, write, write_card

__all__ = ["printed", "write", "write_card"]
