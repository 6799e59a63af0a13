"""Policy packages and options: costs, contributions, splits, indirect effects."""
