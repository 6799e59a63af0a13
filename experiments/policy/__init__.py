"""Option catalogue, mixes, direct and indirect costs, overlap."""
