"""What the bot does with each update, and how it answers."""
