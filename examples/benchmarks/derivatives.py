"""How fast are closed-form derivatives? The Laplacian of a mixture's features by all three engines, in one run.

python examples/benchmarks/derivatives.py
"""

import argparse
import json
import time

import torch

from gmnm_pde import GMNM
from gmnm_pde.jets import feature_combination, output_jet

ENGINES = ("closed", "forward", "reverse")


def laplacian_of_features(model, points, engine, columns=None):
    """The Laplacian of every component at every point, [n, components]; of the first ``columns`` for reverse mode."""
    one = torch.ones((), dtype=points.dtype, device=points.device)
    coefficients = {(2, 0): one, (0, 2): one}
    if columns is not None:
        model = _FirstFeatures(model, columns)
    with torch.no_grad():
        return feature_combination(model, points, coefficients, engine)


class _FirstFeatures(torch.nn.Module):
    def __init__(self, model, columns):
        super().__init__()
        self.model, self.columns = model, columns

    def features(self, x):
        return self.model.features(x)[:, : self.columns]

    def forward(self, x):
        return self.features(x)


def seconds(function, repeats):
    """The least time of a call after one to warm up."""
    function()
    times = []
    for _ in range(repeats):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        started = time.perf_counter()
        function()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return min(times)


def largest_disagreement(form, order):
    """Closed form against reverse mode over every derivative up to ``order``, relative to its largest value."""
    torch.manual_seed(0)
    model = GMNM(2, 1, 30, form=form).double()
    x = torch.rand(20, 2, dtype=torch.float64) * 2 - 1
    alphas = [(i, k - i) for k in range(order + 1) for i in range(k + 1)]
    closed, reverse = (output_jet(model, x, alphas, engine) for engine in ("closed", "reverse"))
    return max(((closed[a] - reverse[a]).abs().max() / reverse[a].abs().max()).item() for a in alphas)


def main():
    """Print times, ratios and agreement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--components", type=int, default=900)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(0)
    rows = {}
    for form in ("affine", "literal", "diagonal", "full"):
        model = GMNM(2, 1, options.components, form=form).to(options.device, torch.float64)
        points = torch.rand(options.points, 2, dtype=torch.float64, device=options.device) * 2 - 1
        found = {
            engine: seconds(lambda e=engine: laplacian_of_features(model, points, e), options.repeats)  # noqa: B023
            for engine in ("closed", "forward")
        }
        one, three = (seconds(lambda c=c: laplacian_of_features(model, points, "reverse", c), 2) for c in (1, 3))  # noqa: B023
        found["reverse"] = one + (three - one) / 2 * (options.components - 1)
        rows[form] = {
            **{f"{engine}_s": found[engine] for engine in ENGINES},
            "forward_over_closed": found["forward"] / found["closed"],
            "reverse_over_closed": found["reverse"] / found["closed"],
            "disagreement_to_order_4": largest_disagreement(form, 4),
        }
    if options.json:
        print(json.dumps(rows))
        return
    device = (
        torch.cuda.get_device_name() if options.device.startswith("cuda") else f"{torch.get_num_threads()} CPU threads"
    )
    print(f"Laplacian of {options.components} components at {options.points} points, float64, {device}")
    print("(reverse mode goes component by component: timed on one and on three, and extended to all)")
    print(
        f"{'form':<10}{'closed':>10}{'forward':>10}{'reverse':>10}{'forward/closed':>16}{'reverse/closed':>16}{'disagreement':>14}"
    )
    for form, row in rows.items():
        times = "".join(f"{row[f'{engine}_s']:>9.3f}s" for engine in ENGINES)
        ratios = f"{row['forward_over_closed']:>16.1f}{row['reverse_over_closed']:>16.0f}"
        print(f"{form:<10}{times}{ratios}{row['disagreement_to_order_4']:>14.1e}")


if __name__ == "__main__":
    main()
