"""Whether tests can run with the local embedding model itself."""

import pytest

from bot.llm import local

needs_library = pytest.mark.skipif(
    not local.is_installed(), reason="the extra 'embeddings' is not installed, or not built for this machine"
)
