"""What you see: tables, plain text, JSON and CSV."""
