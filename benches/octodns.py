#!/usr/bin/env python3
"""Write an octoDNS configuration with as many records as the peers' profile has things.

    octodns.py OUT [--change 1%]

octoDNS compares declared DNS records with live ones: another domain, the same kind of work. One
record stands for each user, membership and grant of `generate.py peers` (38,000), in 40 zones. The
declared records and the live ones are YAML files, so that the time is octoDNS's own and no network's.
With `--change` so many percent of the declared records differ from the live ones. What is printed
needs octodns from PyPI; writing needs nothing.

Measured with octodns 1.22.0 on Python 3.11, 2 cores, no change: 23 to 26 s of CPU, 73 MiB at its peak.
"""

import argparse
import sys
from pathlib import Path

RECORDS, ZONES = 10_000 + 20_000 + 8_000, 40

CONFIG = """\
manager:
  max_workers: 1
providers:
  declared:
    class: octodns.provider.yaml.YamlProvider
    directory: {out}/declared
    enforce_order: false
  live:
    class: octodns.provider.yaml.YamlProvider
    directory: {out}/live
    enforce_order: false
zones:
"""


def records(zone, per_zone, every):
    """The records of a zone; every so many-th has another value."""
    for number in range(zone * per_zone, (zone + 1) * per_zone):
        host = (number + 1) % 250 if every and number % every == 0 else number % 250
        yield f"r-{number:05}:\n  type: A\n  value: 192.0.2.{host}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--change", default="0%", help="share of records that differ, as 1%%")
    given = parser.parse_args()
    share = float(given.change.removesuffix("%")) / 100
    out = given.out.resolve()
    if out.exists() and any(out.iterdir()):
        sys.exit(f"{out} is not empty")
    config = CONFIG.format(out=out)
    for side, every in (("declared", round(1 / share) if share else 0), ("live", 0)):
        (out / side).mkdir(parents=True)
        for zone in range(ZONES):
            text = "---\n" + "".join(records(zone, RECORDS // ZONES, every))
            (out / side / f"zone-{zone:02}.example.yaml").write_text(text, encoding="utf-8")
    for zone in range(ZONES):
        config += f"  zone-{zone:02}.example.:\n    sources: [declared]\n    targets: [live]\n"
    (out / "octodns.yaml").write_text(config, encoding="utf-8")
    # Without --doit octodns-sync only plans; --force keeps its limit on changes out of the way.
    print(f"octodns-sync --config-file {out}/octodns.yaml --force --quiet")


if __name__ == "__main__":
    main()
