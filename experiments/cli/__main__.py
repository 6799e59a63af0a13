"""`python -m experiments.cli` is `tanlu`."""

from experiments.cli import app

app()
