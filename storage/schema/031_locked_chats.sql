-- See PostgreSQL's schema 031: a SQLite database has only one process.
SELECT 1;
