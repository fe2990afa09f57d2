"""The storage's own parts for PostgreSQL: the connection and its transactions, search, and the schema."""
