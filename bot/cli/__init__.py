"""The shell commands other than running the bot."""
