"""A simulated outside world: a Bot API server, a model server, and a chat in the terminal."""
