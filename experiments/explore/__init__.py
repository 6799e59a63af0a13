"""The live page on which a planner moves levers."""
