"""`python -m bench`: measure everything, then write docs/bench.json, docs/bench.svg and the tables of docs/bench.md."""

import argparse
import json
import resource
import tempfile
from pathlib import Path

from bench import machine, report
from bench.measures import FULL, QUICK, Bench, Size
from bench.processes import ROOT, two_cores

PAGE = ROOT / "docs" / "bench.md"


def main() -> None:
    options = _options()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if not two_cores():
        print("Only one core: server and load share it, so figures are far too low.")
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
        _measure(options.work, QUICK if options.quick else FULL, options)
        return
    with tempfile.TemporaryDirectory(prefix="agenda-bench-") as work:
        _measure(Path(work), QUICK if options.quick else FULL, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and short, to try the bench itself; writes no docs")
    parser.add_argument("--only", nargs="*", default=None, help="only these parts; writes no docs")
    parser.add_argument("--work", type=Path, help="keep data folders here, for later runs of the same version")
    return parser.parse_args()


def _measure(work: Path, size: Size, options: argparse.Namespace) -> None:
    facts = machine.facts()
    figures = Bench(work, size, lambda text: print(text, flush=True)).run(options.only)
    if options.only is not None:
        return
    results = {"machine": facts, "size": vars(size), "figures": figures}
    print(report.tables(results))
    if not options.quick:
        (ROOT / "docs" / "bench.json").write_text(json.dumps(results, indent=1) + "\n")
        (ROOT / "docs" / "bench.svg").write_text(report.picture(results))
        PAGE.write_text(report.rewritten(PAGE.read_text(), results))


if __name__ == "__main__":
    main()
