"""From an upstream item to a searchable article; start at run.py."""
