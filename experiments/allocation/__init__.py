"""One file a rule, one signature; the national ledger."""
