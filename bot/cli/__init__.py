"""Commands of the shell besides running the bot."""
