"""See tools/grafana."""

import argparse
import pathlib
import sys

from tools.lib.grafana.dashboard import text

FILE = pathlib.Path(__file__).resolve().parents[3] / "conf/grafana/peerpulse.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/grafana", description="Prints the Grafana dashboard, made from "
                                     "tools/lib/grafana/panels.py.")
    parser.add_argument("--write", action="store_true", help=f"write {FILE.name} in conf/grafana instead")
    if parser.parse_args().write:
        FILE.write_text(text(), encoding="utf-8")
    else:
        sys.stdout.write(text())
    return 0
