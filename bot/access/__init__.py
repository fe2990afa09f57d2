"""Who may talk to the bot: knows no Telegram, so that the shell decides as the owners do."""
