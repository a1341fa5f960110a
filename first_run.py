# -*- coding: utf-8 -*-
"""Sets up the environment beside this file when it is not there yet, and runs the program in it.

Standard library only. It also parses on a Python that is too old, to be able to say so.
"""

import hashlib
import json
import locale
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ENVIRONMENT = os.path.join(HERE, ".venv")
LOCK, DEV_LOCK = "requirements.txt", "requirements-dev.txt"  # the second holds all of the first
WINDOWS = os.name == "nt"

SENTENCES = {
    "pt": {
        "python": "A Agenda precisa do Python 3.11 ou mais novo; este é o {version} ({python}).",
        "wait": "Preparando a Agenda; só na primeira vez e depois de atualizações, cerca de um minuto...",
        "tkinter": "A janela precisa do tkinter, que falta no Python {python}. Para instalar: {remedy}",
        "venv": "Falta o módulo venv no Python {python}. Para instalar: {remedy}",
        "network": "Não foi possível baixar as bibliotecas da Agenda: confira a conexão com a internet e "
        "tente de novo (detalhes em {log}).",
        "space": "Falta espaço em disco para preparar a Agenda em {folder}: são precisos cerca de 300 MB.",
        "install": "Não foi possível instalar as bibliotecas da Agenda (detalhes em {log}).",
        "folder": "Não foi possível preparar a Agenda em {folder}: {cause}.",
        "installer": "execute de novo o instalador do Python, escolha Modify e marque pip e tcl/tk",
    },
    "en": {
        "python": "Agenda needs Python 3.11 or newer; this is {version} ({python}).",
        "wait": "Setting up Agenda; only the first time and after upgrades, about a minute...",
        "tkinter": "The window needs tkinter, which the Python {python} lacks. To install it: {remedy}",
        "venv": "The Python {python} lacks the module venv. To install it: {remedy}",
        "network": "Agenda's libraries could not be downloaded: please check the internet connection and "
        "try again (details in {log}).",
        "space": "There is not enough disk space to set up Agenda in {folder}: it takes about 300 MB.",
        "install": "Agenda's libraries could not be installed (details in {log}).",
        "folder": "Agenda could not be set up in {folder}: {cause}.",
        "installer": "run the Python installer again, choose Modify, and tick pip and tcl/tk",
    },
}


def run(command):
    """Become `agenda COMMAND` with this process's arguments; never returns.

    On POSIX the process id stays the same; on Windows a child runs and its exit status is passed on.
    """
    if sys.version_info < (3, 11):
        stop("python", version=".".join(map(str, sys.version_info[:3])))
    python = prepare(ENVIRONMENT, LOCK, needs_tkinter=command == "desktop")
    arguments = [python, "-P", "-m", "agenda", command] + sys.argv[1:]
    if not WINDOWS:
        os.execv(python, arguments)
    child = subprocess.Popen(arguments)
    while True:
        try:
            sys.exit(child.wait())
        except KeyboardInterrupt:  # the child has got it too, and ends in its own time
            continue


def prepare(environment, lock, needs_tkinter):
    """Path of the Python of an environment that holds `lock`; it is built if there is none."""
    stamp = ready(environment, lock)
    if needs_tkinter and (not stamp or stamp["base"] == base_python()):
        need("tkinter", "tkinter", "python3-tk", "python3-tkinter", "python-tk@%d.%d" % sys.version_info[:2])
    if not stamp:
        need("venv", "ensurepip", "python%d.%d-venv" % sys.version_info[:2], "python3", "python3")
        say("wait")
        try:
            with Turn(environment + ".lock") as turn:
                if not ready(environment, lock):  # another start may have built it meanwhile
                    build(environment, lock, turn)
        except OSError as error:
            stop("folder", folder=HERE, cause=error.strerror or error)
        except KeyboardInterrupt:
            sys.exit(130)
    return python_of(environment)


def ready(environment, lock):
    """The stamp of an environment that can be used as it is: same lock, Python still there; else None."""
    stamp = read_stamp(environment)
    if not stamp or stamp["lock"] not in (lock, DEV_LOCK) or stamp["sha256"] != digest(stamp["lock"]):
        return None
    python = python_of(environment)
    moved = os.path.islink(python) and os.path.realpath(python) != stamp["base"]
    return stamp if os.path.exists(stamp["base"]) and os.path.exists(python) and not moved else None


def build(environment, lock, turn):
    """Make the environment anew beside its place and rename it into place as the last step.

    The scripts that pip writes know the folder they were made in, and are told where they are then.
    """
    old_stamp = read_stamp(environment)
    if old_stamp and old_stamp["lock"] == DEV_LOCK:
        lock = DEV_LOCK
    new, old = environment + ".new", environment + ".old"
    shutil.rmtree(new, ignore_errors=True)
    if shutil.disk_usage(HERE).free < 300 * 10**6:
        stop("space", folder=HERE)
    with open(environment + ".log", "wb") as log:
        for step in (
            [sys.executable, "-m", "venv", new],
            [python_of(new), "-m", "pip", "install", "--no-input", "-r", os.path.join(HERE, lock)],
        ):
            # A set-up that outlives this process keeps the turn, so that no other one meddles with it.
            held = {} if WINDOWS else {"pass_fds": [turn.fileno()]}
            if subprocess.call(step, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=HERE, **held):
                stop(cause_in(log.name), log=log.name, folder=HERE)
    readdress(new, environment)
    add_program(new)
    stamp = {"lock": lock, "sha256": digest(lock), "base": base_python()}
    with open(os.path.join(new, "agenda.json"), "w") as file:
        json.dump(stamp, file)
    if os.path.exists(environment):
        shutil.rmtree(old, ignore_errors=True)
        os.rename(environment, old)
    os.rename(new, environment)
    os.remove(log.name)
    if old_stamp:  # one that somebody made by hand stays in .venv.old
        shutil.rmtree(old, ignore_errors=True)


def readdress(made, environment):
    """Have the scripts of an environment that was made in one folder name the one where it will be."""
    folder = os.path.dirname(python_of(made))
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            text = file.read()
        if b"\0" not in text and made.encode() in text:  # on Windows they are programs, and find it out by themselves
            with open(path, "wb") as file:
                file.write(text.replace(made.encode(), environment.encode()))


def add_program(environment):
    """Let the environment import the source tree, by a relative path, and give it an `agenda` command."""
    import sysconfig

    site = sysconfig.get_path("purelib", "venv", {"base": environment, "platbase": environment})
    with open(os.path.join(site, "agenda.pth"), "w") as file:
        file.write(os.path.relpath(os.path.join(HERE, "src"), site) + "\n")
    script = os.path.join(os.path.dirname(python_of(environment)), "agenda.cmd" if WINDOWS else "agenda")
    with open(script, "w") as file:
        if WINDOWS:
            file.write('@"%~dp0python.exe" -P -m agenda %*\n')
        else:
            file.write('#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/python" -P -m agenda "$@"\n')
    os.chmod(script, 0o755)


class Turn:
    """A lock file, so that of several starts at once one builds and the others wait for it."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.file = open(self.path, "a")
        if WINDOWS:
            import msvcrt
            import time

            while True:
                try:
                    msvcrt.locking(self.file.fileno(), msvcrt.LK_NBLCK, 1)
                    break
                except OSError:
                    time.sleep(0.2)
        else:
            import fcntl

            fcntl.flock(self.file, fcntl.LOCK_EX)
        return self.file

    def __exit__(self, *_):
        self.file.close()


def need(sentence, module, debian, fedora, homebrew):
    """Stop with the sentence that says which package brings `module`, if it cannot be imported."""
    try:
        __import__(module)
    except ImportError:
        if sys.platform == "darwin":
            remedy = "brew install " + homebrew
        elif shutil.which("apt-get"):
            remedy = "sudo apt install " + debian
        elif shutil.which("dnf"):
            remedy = "sudo dnf install " + fedora
        elif WINDOWS:
            remedy = SENTENCES[language()]["installer"]
        else:
            remedy = "Debian, Ubuntu: apt install %s; Fedora: dnf install %s" % (debian, fedora)
        stop(sentence, remedy=remedy)


def cause_in(log):
    """Which sentence fits what venv or pip wrote before it gave up."""
    with open(log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    if "No space left" in text or "Errno 28" in text:
        return "space"
    offline = ("Retrying (", "NewConnectionError", "NameResolutionError", "ReadTimeout", "ProxyError")
    return "network" if any(word in text for word in offline) else "install"


def read_stamp(environment):
    try:
        with open(os.path.join(environment, "agenda.json")) as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def digest(lock):
    with open(os.path.join(HERE, lock), "rb") as file:
        return hashlib.sha256(file.read().replace(b"\r\n", b"\n")).hexdigest()


def python_of(environment):
    return os.path.join(environment, *(("Scripts", "python.exe") if WINDOWS else ("bin", "python")))


def base_python():
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def language():
    """Portuguese, "pt", unless the machine's locale names another language: then "en"."""
    tag = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    tag = (tag or locale.getlocale()[0] or "").lower()
    return "pt" if tag.split(".")[0] in ("", "c", "posix") or tag.startswith(("pt", "portuguese")) else "en"


def say(sentence, **facts):
    sys.stderr.write(SENTENCES[language()][sentence].format(python=sys.executable, **facts) + "\n")
    sys.stderr.flush()


def stop(sentence, **facts):
    say(sentence, **facts)
    sys.exit(1)


if __name__ == "__main__":  # python3 first_run.py FOLDER: an environment with the tools of development
    prepare(os.path.join(HERE, sys.argv[1]), DEV_LOCK, needs_tkinter=False)
