"""Pages for a browser: one file, whole, asking for nothing, and saying what happened."""

import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

import gmnm_pde as g
from gmnm_pde.cli import main
from gmnm_pde.pages.figures import embedded
from gmnm_pde.pages.html import number, table

VOID = {"meta", "link", "img", "source", "br"}


class Checked(HTMLParser):
    """Tags that open and close in turn, and every address that is asked for."""

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "srcset", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(path):
    text = path.read_text(encoding="utf-8")
    page = Checked()
    page.feed(text)
    assert not page.open and all(address.startswith("data:") for address in page.addresses)
    assert "url(" not in text and "@import" not in text and "script" not in page.tags
    return re.sub(r'"data:image[^"]*"', '""', text), page


def test_the_page_of_a_solution(solved, tmp_path):
    solved.to_html(tmp_path / "a.html", command="gmnm-pde solve 'my <file>'", warned=["corner & corner"])
    text, page = checked(tmp_path / "a.html")
    for words in (
        "Converged", "How sure it is", "laplacian(u)", "Dirichlet(u=0)", "my &lt;file&gt;", "Corner &amp; corner.",
        f"{solved.report.error_estimate:.2g}", f"{solved.report.relative_l2:.2g}", g.__version__,
    ):  # fmt: skip
        assert words in text
    assert page.tags.count("picture") == 3  # the answer, the domain, the components


def test_a_loaded_solution_has_no_statement(solved, tmp_path):
    solved.save(tmp_path / "a.safetensors")
    g.load_solution(tmp_path / "a.safetensors").to_html(tmp_path / "a.html")
    text, _ = checked(tmp_path / "a.html")
    assert "The problem" not in text and "Once more" in text


def test_what_did_not_converge_says_so_first(tmp_path):
    problem = g.registry.load("poisson", dimension=1)
    g.solve(problem, "mlp", g.Adam(steps=2), points=50).to_html(tmp_path / "a.html")
    text, _ = checked(tmp_path / "a.html")
    assert text.index("Not converged") < text.index("The answer") and "No digit is sure" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["solve", "lotka_volterra", "--set", "end=1"], ["prey", "Lotka, Elements", "of u"]),
        (["solve", "poisson", "--set", "dimension=1", "--components", "20", "--patches", "2"], ["The boxes"]),
        (["modes", "membrane", "--count", "2", "--components", "60"], ["The modes", "estimated error"]),
        (["compare", "poisson", "--models", "gmnm,mlp", "--steps", "2", "--points", "100"], ["gmnm, seed 0"]),
    ],
)
def test_commands_write_one(words, said, tmp_path, capsys):
    main([*words, "--out", str(tmp_path / "run")])
    assert "report.html" in capsys.readouterr().out
    text, _ = checked(tmp_path / "run" / "report.html")
    for part in [*said, "gmnm-pde", "Once more"]:
        assert part in text


def test_a_place_that_cannot_be_written_is_refused(solved, tmp_path):
    with pytest.raises(g.GmnmError, match="to_html"):
        solved.to_html(tmp_path / "nowhere" / "a.html")


def test_figures_are_lightened_for_the_night():
    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1], color="black")
    assert embedded(figure, "a line").count("data:image/png") == 2
    assert axes.lines[0].get_color() != "black"


def test_pieces():
    assert [number(value) for value in (1324.0, 5.43e-7)] == ["1,324", "5.4e-07"]
    assert number(None) == number(float("nan")) == "\N{EN DASH}"
    assert table([]) == "" and "&lt;b&gt;" in table([("<b>", "1")])
