"""Reading and checking of everything that a user types or names: files (YAML, CSV, JSON), numbers and names.

This package lies below all others, so that every caller can use it. It imports nothing heavy, so that a misspelt name
is reported before any model is loaded.

- `faults`: the exceptions, and the way a message shows a value;
- `names`: `choose(name, known, what)` finds a name in a list;
- `text`: a regular file of limited size as text;
- `yaml_file`, `table_file`, `json_file`: the content of a file with the line of every value, and every fault at once;
- `schema`: that content as a pydantic model.
"""
