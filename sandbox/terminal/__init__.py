"""A chat in the terminal with a bot, through the sandbox's servers."""
