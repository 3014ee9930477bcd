"""The ten programs of docs/coming_from.md: their lines, their errors and their seconds of the processor.

python examples/benchmarks/ten_programs.py [NUMBERS]
"""

import argparse
import re
import time
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "coming_from.md"


def blocks():
    """The block that the others need, and the others by their titles."""
    first, *programs = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    code = [re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL) for text in (first, *programs)]
    return code[0][0], {text.splitlines()[0]: own[0] for text, own in zip(programs, code[1:], strict=True)}


def lines_of(code):
    """Lines that are neither empty nor check the answer."""
    return sum(bool(line.strip()) and not line.startswith("assert") for line in code.splitlines())


def main():
    """Run the programs in order, since later ones use names of earlier ones, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, help="rows that are printed; all by default")
    wanted = parser.parse_args().numbers
    shared, programs = blocks()
    names = {}
    exec(shared, names)
    print("| program | lines | error estimate | error | seconds |\n| --- | --- | --- | --- | --- |")
    for number, (title, code) in enumerate(programs.items(), start=1):
        if wanted and number > max(wanted):
            break
        begun = time.process_time()
        exec(code, names)
        seconds = time.process_time() - begun
        if not wanted or number in wanted:
            report = names["solution"].report
            error = "" if report.relative_l2 is None else f"{report.relative_l2:.0e}"
            print(f"| {title} | {lines_of(code)} | {report.error_estimate:.0e} | {error} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
