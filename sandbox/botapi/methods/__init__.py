"""What each method of the Bot API does, once its arguments are in order."""
