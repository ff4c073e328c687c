"""Everything that people and programs see: tables, plain text, JSON and CSV."""
