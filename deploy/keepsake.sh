#!/bin/sh
# The command "keepsake" in the container. Only the path of the modules is set, not the folder: .env and data/ are
# looked for where the command is run.
PYTHONPATH=/opt/keepsake/app exec /opt/keepsake/bin/python -m bot "$@"
