"""What do conditions that are met exactly buy, over conditions among the residuals?

python examples/benchmarks/hard_conditions.py            # about three minutes on two cores
python examples/benchmarks/hard_conditions.py --quick    # a smoke run

Each problem is solved both ways by the same method with the same number of steps, or of components.
"""

import argparse

import gmnm_pde as g

PROBLEMS = ("poisson", "heat", "wave", "advection")


def main() -> None:
    """Print a line for each problem and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    steps, components = (20, 60) if quick else (2000, 400)
    ways = {
        f"MLP, {steps} steps of Adam": ("mlp", g.Adam(steps)),
        f"MLP, {steps // 10} steps of Gauss-Newton": ("mlp", g.GaussNewton(steps // 10)),
        f"least squares, {components} components": (g.Mixture(components=components), None),
    }
    print("| problem | method | relative L2, residuals | met exactly | seconds | met exactly |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in PROBLEMS[:1] if quick else PROBLEMS:
        problem = g.registry.load(name)
        for label, (model, method) in ways.items():
            hard = "initial" if name == "advection" and model == "mlp" else True  # an MLP is not periodic
            soft, exact = (g.solve(problem, model, method, hard=which).report for which in (False, hard))
            errors = f"{soft.relative_l2:.1e} | {exact.relative_l2:.1e}"
            print(f"| {name} | {label} | {errors} | {soft.seconds:.1f} | {exact.seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
