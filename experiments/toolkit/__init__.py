"""The stepwise expert process: a working folder of sheets, which people fill in and the tool checks and merges.

    toolkit.yaml                province, plan, reviewers, criteria, rules of the process
    1-experts.csv               who takes part, in which step
    2-baseline.csv              measured figures of the province; room for the group's own
    2-other-emissions.csv       other gases, forests, waste: entered, added to the account, not modelled
    3-goals.csv                 goals for growth, energy, CO2 and non-fossil energy, by period
    4-options.csv               long list of options; which are screened
    5-screening/<reviewer>.csv  scores of the criteria, one file per reviewer; merged.csv is made from them
    5-screening/round-2/        the second round, without names
    6-design/<option>.yaml      a design sheet for each chosen option; mix.yaml and study.yaml are made from them
    7-results/                  tables of a run of study.yaml
    8-feasibility.csv           barriers of each option and their remedies
    9-monitoring.csv            measured years of single indicators; verdicts.csv and paths.csv are made from them
    comments.csv                comments and answers
    log.csv, versions/          who changed which cell, when, why

Nothing leaves the folder. Every sheet opens in a spreadsheet program; `check` lists every fault of every sheet at once.
A column whose head ends in "(note)" is for people alone; every other one changes the study, an analysis or the report.
"""

from experiments.toolkit.annex import results
from experiments.toolkit.checking import check
from experiments.toolkit.merging import merge
from experiments.toolkit.monitoring import monitor
from experiments.toolkit.prefill import init

__all__ = ["check", "init", "merge", "monitor", "results"]
