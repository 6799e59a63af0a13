"""Everything a user types or names, read and checked in one way: files (YAML, CSV, JSON), numbers and names.

It stands below all floors, so that every caller reaches it, and imports nothing heavy: a misspelt name is answered
before any model is loaded.

- `faults`: the exceptions, and how a message shows a value;
- `names`: `choose(name, known, what)` for a name out of a list;
- `text`: a regular file of a bounded size as text;
- `yaml_file`, `table_file`, `json_file`: its content with the line of every value, and every fault at once;
- `schema`: that content as a pydantic model.
"""
