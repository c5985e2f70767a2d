"""`python -m t0.storage.store DATA_DIR [PORT]`."""

import sys

from t0.storage.store.process import main

sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None))
