"""The stepwise expert process: a working folder of sheets that people fill in and the tool validates and merges.

    toolkit.yaml               province, reviewers, criteria, rules of the process
    1-experts.csv              who takes part, in which step
    2-baseline.csv             measured figures of the province; room for the group's own
    3-goals.csv                goals by year
    4-options.csv              long list of options; which are screened
    5-screening/<reviewer>.csv scores of the criteria, one file a reviewer; merged.csv is made from them
    6-design/<option>.yaml     one design sheet an option that was chosen; mix.yaml and study.yaml are made from them
    7-results/                 tables of a run of study.yaml
    8-feasibility.csv          barriers of each option and what is done about them
    9-monitoring.csv           measured years; verdicts.csv says how the verdict changed, and why

Nothing leaves the folder. Every sheet opens in a spreadsheet program; `check` tells all faults of all sheets at once.
"""

from experiments.toolkit.monitoring import monitor
from experiments.toolkit.steps import check, init, merge, results

__all__ = ["check", "init", "merge", "monitor", "results"]
