"""The places of the model: provinces and the nation."""

NATION = "China"
"""Label of the row that sums the simulated provinces; shown to people as "China (sum of provinces)"."""
