-- Which process may write about a Telegram chat: the one that knows the token. Without a process, the token is kept.
CREATE TABLE chat_claims (
    telegram_id bigint PRIMARY KEY,
    token       bigint NOT NULL
);
