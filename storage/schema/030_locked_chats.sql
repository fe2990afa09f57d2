-- See PostgreSQL's schema 030: a SQLite database has only one process.
SELECT 1;
