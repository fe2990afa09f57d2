-- What each process has in flight, in the form of the file that the bot keeps next to an SQLite database.
CREATE TABLE processes (
    id        bigint PRIMARY KEY,
    in_flight text NOT NULL
);
