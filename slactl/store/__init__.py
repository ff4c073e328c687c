"""What is kept: tables, transactions, migrations and the read views; the only room that knows SQLite."""
