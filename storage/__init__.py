"""Keepsake's data in SQLite, behind a few classes. Independent of Telegram, of models and of ``bot``."""

from storage.database import NewerDatabaseError, NotCopiedError, StorageError, Transaction, complete, until_stored
from storage.store import Storage

__all__ = ["NewerDatabaseError", "NotCopiedError", "Storage", "StorageError", "Transaction", "complete", "until_stored"]
