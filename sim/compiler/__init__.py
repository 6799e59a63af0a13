"""From a model file to a running kernel, one file per stage."""
