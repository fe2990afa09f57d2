"""Who may talk to the bot. Independent of Telegram, so that the shell can decide just as the owners do."""
