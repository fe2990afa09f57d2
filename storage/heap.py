"""How much memory SQLite may take in this process, for all connections together.

A bot needs some megabytes: eleven for the costliest query over 200,000 turns. But a length that stands in a damaged
search index is believed: SQLite would take and fill two gigabytes for it, with each statement.
"""

MOST_BYTES = 128 * 1024 * 1024
LIMIT = f"PRAGMA hard_heap_limit = {MOST_BYTES}"
"""For a connection's beginning. What would take more fails: SQLITE_NOMEM, which Python raises as MemoryError."""
