"""The actions of the Bot API's methods, with checked arguments."""
