"""Model servers: one protocol, one file per API."""
