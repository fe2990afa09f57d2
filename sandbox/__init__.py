"""The outside world on one machine: a Bot API server, a model server, and a chat in the terminal."""
