"""Tests of the model as a theory: structure, behaviour, boundary, recovery of known parameters, other conventions."""
