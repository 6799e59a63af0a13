"""What is asked: the schema of a study file, and reading one."""
