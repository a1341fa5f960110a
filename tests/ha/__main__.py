"""`make prove`: the long proof on this machine, told as it goes; reports and histories are left in a folder.

Without names every fault is tried in a run of its own, and then all of them in one.
"""

import argparse
import secrets
import signal
import sys
from pathlib import Path

from tests.ha import needs
from tests.ha.proof import EVERYTHING, Proof, faults_of, prove
from tests.ha.site import a_site

FOLDER = Path(__file__).parents[2] / "build" / "prove"


def main() -> int:
    """0 if every promise held in every run, 1 if not, 2 if it cannot be tried here."""
    asked = _arguments()
    reason = needs.missing()
    if reason is not None:
        print(f"Cannot be proven here: {reason}.", file=sys.stderr)
        return 2
    asked.out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"Seed {asked.seed}. Starting three databases and three nodes ...", flush=True)
    with a_site(logs=asked.out / "logs") as site:
        print(f"The nodes answer after {site.start_nodes():.1f} s.", flush=True)
        names = asked.faults or list(faults_of(site))
        if unknown := set(names) - set(faults_of(site)):
            sys.exit(f"No such fault: {', '.join(sorted(unknown))}. There are: {', '.join(faults_of(site))}.")
        proofs = []
        for proof in prove(site, names, asked.seed, asked.out, _tell):
            print(_line(proof), flush=True)
            proofs.append(proof)
    print("\nRun                        Calls  Outage at each fault         Verdict", *map(_line, proofs), sep="\n")
    print(f"Reports, histories and logs: {asked.out}")
    return 0 if all(proof.held for proof in proofs) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.ha", description=__doc__)
    parser.add_argument("faults", nargs="*", help=f"the faults to try, such as primary_killed, or {EVERYTHING}")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="repeats a schedule of faults")
    parser.add_argument("--out", type=Path, default=FOLDER, help="the folder for reports, histories and logs")
    return parser.parse_args()


def _tell(event: str, /, **facts: object) -> None:
    said = ", ".join(f"{name} {fact:.1f}" if isinstance(fact, float) else f"{fact}" for name, fact in facts.items())
    print(f"  {event}: {said}", flush=True)


def _line(proof: Proof) -> str:
    outages = ", ".join(
        f"{seconds:.1f} s" if fault.kind == proof.name else f"{fault.kind} {seconds:.1f} s"
        for fault, seconds in proof.outages
    )
    if proof.verdict is None:
        said = f"broken off: {proof.trouble}"
    else:
        broken = [check.name for check in proof.verdict.checks if check.findings]
        said = " ".join([proof.verdict.judgement, *broken, f"({proof.defects} defects)" if proof.defects else ""])
    return f"{proof.name:25} {proof.calls:7}  {outages:28} {said}"


if __name__ == "__main__":
    sys.exit(main())
