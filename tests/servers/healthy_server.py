"""A storage process that does what the bench of healthy exchanges asks of it: HTTP/1.1 and h2c on one port.

  healthy_server.py [--h1-only] HOST:PORT
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.servers.healthy.server import main  # noqa: E402

sys.exit(main(sys.argv[-1], "--h1-only" in sys.argv))
