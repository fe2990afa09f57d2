"""What the bot does with an update, and how it says the result."""
