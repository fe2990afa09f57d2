"""``python -m sandbox``: the servers and the chat, for a bot that is started in another shell."""

import os
import sys

from sandbox.program import main

if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(sys.argv[1:], None))
