"""Whatever comes from outside is read or refused, and never ends anything."""
