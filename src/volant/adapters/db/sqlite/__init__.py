"""All stores over one SQLite file: a database, its numbered migrations, and one module per noun."""
