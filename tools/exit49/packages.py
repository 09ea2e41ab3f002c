"""Debian packages as folders of files, fetched when they are needed, never installed.

A package of another architecture comes through a configuration of apt's own, below
build/packages/: the machine's stays as it is.
"""
import glob
import os
import shutil
import subprocess
import tempfile

from .common import ROOT, Problem

FOLDER = os.path.join(ROOT, "build", "packages")
DEPS = os.path.join(ROOT, "tools", "deps")
FOREIGN = """\
Dir::State::lists "{0}/lists";
Dir::State::status "{0}/status";
Dir::Cache "{0}/cache";
APT::Architecture "{1}";
APT::Architectures {{ "{1}"; }};
"""


def _foreign(architecture):
    """Return the environment in which apt-get knows that architecture only."""
    folder = os.path.join(FOLDER, f"apt-{architecture}")
    for name in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    conf = os.path.join(folder, "conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write(FOREIGN.format(folder, architecture))
    with open(os.path.join(folder, "status"), "a", encoding="utf-8"):
        pass
    environment = {**os.environ, "APT_CONFIG": conf}
    if not glob.glob(f"{folder}/lists/*_Packages*"):
        subprocess.run(["apt-get", "-q", "update"], env=environment, check=False,
                       capture_output=True)
    return environment


def _run(command, environment=None):
    done = subprocess.run(command, env=environment, check=False, capture_output=True,
                          text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Problem(said[-1] if said else f"{command[0]} failed")


def unpacked(name, architecture=""):
    """Return the folder with a package's files; of a name that only stands for the
    newest kernel, that kernel's."""
    folder = os.path.join(FOLDER, name + (f"-{architecture}" if architecture else ""))
    if os.path.isdir(folder):
        return folder
    os.makedirs(FOLDER, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=FOLDER) as scratch:
        environment = _foreign(architecture) if architecture else None
        _run([DEPS, "--fetch", scratch, name], environment)
        for package in glob.glob(f"{scratch}/*.deb"):
            _run(["dpkg-deb", "-x", package, f"{scratch}/root"])
        shutil.move(f"{scratch}/root", folder)
    return folder


def find(folder, pattern):
    """Return the one file of that pattern in a package's folder, or the last one."""
    found = sorted(glob.glob(os.path.join(folder, pattern)))
    if not found:
        raise Problem(f"{folder} has no {pattern}")
    return found[-1]
