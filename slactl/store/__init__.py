"""Keep the data: tables, transactions, migrations and the read views. Only this package uses SQLite."""
