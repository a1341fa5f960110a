#!/bin/sh
# Installs what the tests need from Debian's packages where that is allowed, else says what is missing.
# PYTHON names the interpreter that must have tkinter and venv.
set -eu
PYTHON=${PYTHON:-python3}

missing() {
    command -v Xvfb >/dev/null || echo xvfb
    command -v xdotool >/dev/null || echo xdotool
    command -v import >/dev/null || echo imagemagick
    [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || echo fonts-dejavu-core
    command -v openssl >/dev/null || echo openssl
    command -v ps >/dev/null || echo procps
    command -v gcc >/dev/null || echo gcc libc6-dev
    command -v ip >/dev/null || [ -x /sbin/ip ] || echo iproute2
    [ -x /usr/sbin/nft ] || echo nftables
    command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] || echo haproxy
    command -v shellcheck >/dev/null || echo shellcheck
    command -v systemd-analyze >/dev/null || echo systemd
    "$PYTHON" -c "import tkinter" 2>/dev/null || echo python3-tk
    "$PYTHON" -c "import ensurepip" 2>/dev/null || echo python3-venv
}

[ "$(uname)" = Linux ] || exit 0 # the tests of the window and of faults are skipped elsewhere
wanted=$(missing)
[ -n "$wanted" ] || exit 0
echo "The tests need these packages:" $wanted
if command -v apt-get >/dev/null; then
    if [ "$(id -u)" = 0 ]; then as_root=""; elif sudo -n true 2>/dev/null; then as_root="sudo"; else as_root="no"; fi
    if [ "$as_root" != no ]; then
        $as_root apt-get update -qq
        DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $wanted
    fi
fi
wanted=$(missing)
[ -z "$wanted" ] || { echo "Still missing for $PYTHON; please install:" $wanted >&2; exit 1; }
