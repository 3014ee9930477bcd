"""What the README and the docs show runs as shown."""

import re
import shlex
from pathlib import Path

import pytest

from gmnm_pde.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


LONG = ("coming_from.md", "patches.md")
"""Pages whose blocks take more than ten seconds."""


def in_order(page):
    return pytest.param(page, marks=pytest.mark.slow) if page.name in LONG else page


@pytest.mark.parametrize(
    "page", [in_order(page) for page in PAGES if blocks(page, "python")], ids=lambda page: page.name
)
def test_python_blocks_run_one_after_the_other(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": page.stem}
    for number, block in enumerate(blocks(page, "python")):
        exec(compile(block, f"{page.name}, block {number}", "exec"), names)


def commands():
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.splitlines():
                match = re.search(r"gmnm-pde (?:solve|list|modes|compare|show|new)\b.*", line)
                if match:
                    yield pytest.param(match.group(), id=match.group())


@pytest.mark.parametrize("command", list(dict.fromkeys(commands())))
def test_commands_run(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if "my_problem.py" in command and " new " not in command:
        main(["new", "my_problem.py"])
    assert main(shlex.split(command, comments=True)[1:]) == 0
    assert capsys.readouterr().out


SUITES = [ROOT / "examples" / "vision_and_sequence" / "README.md"]


@pytest.mark.parametrize("page", [*PAGES, *SUITES], ids=lambda page: page.parent.name + "/" + page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", SUITES, ids=lambda page: page.parent.name)
def test_scripts_that_a_suite_names_are_there(page):
    named = set(re.findall(r"examples/[a-z_/]+\.py", page.read_text()))
    assert named and all((ROOT / name).exists() for name in named)


def test_install_commands_use_the_constraints():
    commands = [line for line in "\n".join(blocks(ROOT / "README.md", "sh")).splitlines() if "pip install" in line]
    assert len(commands) == 2 and all("-c constraints.txt" in line for line in commands)
    assert "torch==" in (ROOT / "constraints.txt").read_text()
