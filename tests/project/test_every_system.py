"""Nothing that only some operating systems have is imported without a guard."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
POSIX = {"fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
ONLY_THERE = {
    "os.fork",
    "os.geteuid",
    "os.getuid",
    "os.killpg",
    "os.mkfifo",
    "os.setsid",
    "os.sysconf",
    "signal.setitimer",
}


def guarded(tree):
    """Everything inside of a try that catches something."""
    return {
        inner for node in ast.walk(tree) if isinstance(node, ast.Try) for part in node.body for inner in ast.walk(part)
    }


@pytest.mark.parametrize(
    "path", sorted([*(ROOT / "gmnm_pde").rglob("*.py"), *(ROOT / "problems").glob("*.py")]), ids=lambda path: path.name
)
def test_nothing_needs_posix(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    safe = guarded(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in safe:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            assert not {name.split(".")[0] for name in names} & POSIX, f"line {node.lineno}"
        if isinstance(node, ast.Attribute) and node not in safe:
            assert ast.unparse(node) not in ONLY_THERE, f"line {node.lineno}"


def test_text_is_written_in_one_encoding():
    """Windows has another one by default, which has no Greek letters."""
    for path in (ROOT / "gmnm_pde").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            modes = [one.value for one in node.args[:1] if isinstance(one, ast.Constant)]
            writes = node.func.attr == "write_text" or (node.func.attr == "open" and modes in (["w"], ["x"], ["a"]))
            assert not writes or "encoding" in {one.arg for one in node.keywords}, f"{path.name}:{node.lineno}"
