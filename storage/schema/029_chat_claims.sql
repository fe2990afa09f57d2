-- On PostgreSQL, processes divide the chats among them, which takes a table. A SQLite database has only one process.
SELECT 1;
