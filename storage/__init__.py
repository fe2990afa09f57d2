"""What Keepsake keeps: SQLite behind the methods of a few classes. Knows no Telegram, no model, nothing of ``bot``."""

from storage.database import NewerDatabaseError, NotCopiedError, StorageError, Transaction, complete, until_stored
from storage.store import Storage

__all__ = ["NewerDatabaseError", "NotCopiedError", "Storage", "StorageError", "Transaction", "complete", "until_stored"]
