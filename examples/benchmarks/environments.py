"""Other packages, each in an environment of its own, to be compared with on the same machine in the same run.

python examples/benchmarks/environments.py                      # make all environments, or say what does not install
python examples/benchmarks/environments.py --peers deepxde,pina --folder /somewhere

From another benchmark: ``environments.run("deepxde", script, ["--dtype", "float32"])`` makes the environment if it is
not there, runs the script in it on one thread, and returns the JSON object that the script printed last. PyTorch is
installed first, so that no package takes another build of it; where pip would choose a larger build than wanted, set
PIP_FIND_LINKS or PIP_INDEX_URL as for any pip.
"""

import argparse
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CACHE = Path(tempfile.gettempdir()) / "gmnm_pde_peers"
"""Where the environments are, unless told otherwise: about 1.3 GB each."""

SCRIPTS = Path(__file__).resolve().parent / "peers"
"""Where the scripts of the peers are."""

HERE = "here"
"""The name of the environment that runs this: no peer, but run in the same way."""

TORCH = "torch==2.13.0"


class PeerError(Exception):
    """A peer that does not install, or whose script fails; one line says why."""


@dataclass(frozen=True)
class Peer:
    """A package to compare with.

    Args:
        requirements: What pip is asked for, pinned.
        torch: Whether it stands on PyTorch, which is then installed before it.
        variables: Environment variables that its scripts are run with.
    """

    requirements: tuple[str, ...]
    torch: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def rounds(self) -> list[list[str]]:
        """What is installed, one call of pip after the other."""
        if not self.torch:
            return [list(self.requirements)]
        return [[TORCH], [*self.requirements, TORCH]]


PEERS = {
    "deepxde": Peer(("deepxde==1.15.0",), variables={"DDE_BACKEND": "pytorch"}),
    "pina": Peer(("pina-mathlab==0.3.2.post2610", "lightning==2.6.6")),
    "torchphysics": Peer(("torchphysics==1.1.2", "numpy==1.26.4")),
    "jinns": Peer(("jinns==1.10.2", "jax==0.10.2", "optax==0.2.8", "equinox==0.13.8"), torch=False),
}


def parse_peers(text: str) -> list[str]:
    """The names in a list with commas; ``all`` and ``none`` are what they say.

    Raises:
        argparse.ArgumentTypeError: a name that is none of the peers'.
    """
    if text in ("all", "none"):
        return list(PEERS) if text == "all" else []
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in PEERS:
            raise argparse.ArgumentTypeError(f"no peer '{name}'; there are {', '.join(PEERS)}, all and none")
    return names


def make(peer: str, folder: Path = CACHE, *, tell: bool = True) -> Path:
    """Make the environment of ``peer`` under ``folder``, unless it is there already.

    Returns:
        Its Python.

    Raises:
        PeerError: something did not install.
    """
    home, wanted = folder / peer, PEERS[peer].rounds
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    complete = home / "installed.json"
    if complete.exists() and json.loads(complete.read_text()) == wanted:
        return python
    if tell:
        print(f"{peer}: installing {', '.join(wanted[-1])} in {home}", file=sys.stderr, flush=True)
    if home.exists():
        shutil.rmtree(home)
    venv.create(home, with_pip=True)
    for packages in wanted:
        done = subprocess.run([python, "-m", "pip", "install", "-q", *packages], capture_output=True, text=True)
        if done.returncode:
            raise PeerError(f"{peer}: does not install: {_reason(done.stderr)}")
    complete.write_text(json.dumps(wanted))
    return python


def run(
    peer: str,
    script: str | Path,
    args: Sequence[str] = (),
    *,
    folder: Path = CACHE,
    threads: int = 1,
    timeout: float = 1800,
) -> dict[str, Any]:
    """Run a script in the environment of ``peer``, or of this process for ``HERE``, and read what it found.

    Args:
        peer: A name in ``PEERS``, or ``HERE``.
        script: A file, or the name of one in ``SCRIPTS``.
        args: Its arguments.
        folder: Where the environments are.
        threads: How many threads its numerical libraries may take.
        timeout: Seconds after which it has failed.

    Returns:
        The JSON object in the last line of its output that holds one.

    Raises:
        PeerError: it does not install, ends with an error, takes too long or prints no JSON.
    """
    python = sys.executable if peer == HERE else make(peer, folder)
    label = Path(script).name if peer == HERE else f"{peer}: {Path(script).name}"
    variables = {} if peer == HERE else PEERS[peer].variables
    count = str(threads)
    counts = {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count}
    # In a folder that goes away: some packages write logs and checkpoints to where they run.
    with tempfile.TemporaryDirectory() as scratch:
        try:
            done = subprocess.run(
                [python, SCRIPTS / script, *args],
                cwd=scratch,
                env={**os.environ, **counts, **variables},
                capture_output=True,
                text=True,
                timeout=timeout,
                preexec_fn=functools.partial(_keep_to, threads),
            )
        except subprocess.TimeoutExpired:
            raise PeerError(f"{label} took more than {timeout:g} seconds") from None
    if done.returncode:
        raise PeerError(f"{label} failed: {_reason(done.stderr)}")
    for line in reversed(done.stdout.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise PeerError(f"{label} printed no JSON object")


def _keep_to(threads: int) -> None:
    """Keep this process to as many of its cores, where the system can: JAX takes its number of threads from these."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def _reason(stderr: str) -> str:
    """The line of an error's output that says most."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line or line.startswith("ERROR")]
    return (errors or lines or ["no message"])[-1][:300]


def main() -> None:
    """Make the environments asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=parse_peers, default="all", help=f"of {', '.join(PEERS)}; all or none")
    parser.add_argument("--folder", type=Path, default=CACHE)
    options = parser.parse_args()
    for peer in options.peers:
        try:
            print(f"{peer}: {make(peer, options.folder)}")
        except PeerError as error:
            print(error)


if __name__ == "__main__":
    main()
