"""How pages look, by day and by night, on wide screens and narrow ones."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fcfbf9; --ink: #23262b; --quiet: #686d75; --line: #e5e2dc; --tint: #f4f2ee;
  --accent: #1b4f72; --good: #1e6b40; --good-tint: #e6f2ea; --poor: #9c2f22; --poor-tint: #fbeae7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181b; --ink: #e4e2dd; --quiet: #9b9fa6; --line: #2e3136; --tint: #1e2125;
    --accent: #8fc1e3; --good: #86d1a3; --good-tint: #1b2c22; --poor: #f0a398; --poor-tint: #33201d;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: break-word;
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 62rem; margin: 0 auto; padding: 3.5rem 1.5rem 4rem; }
h1, h2 { font-family: "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, serif; }
h1 { font-size: 2.3rem; line-height: 1.15; font-weight: 600; margin: 0.2rem 0 0.9rem; letter-spacing: -0.01em; }
h2 { font-size: 1.4rem; font-weight: 600; margin: 0 0 0.9rem; }
h3 { font-size: 0.85rem; font-weight: 600; color: var(--quiet); margin: 1.6rem 0 0.5rem; }
section { margin-top: 3rem; padding-top: 2.2rem; border-top: 1px solid var(--line); }
p { max-width: 46rem; margin: 0 0 0.9rem; }
.quiet { color: var(--quiet); }
.kicker { color: var(--quiet); font-size: 0.85rem; margin: 0; }
.verdict { padding: 0.8rem 1.1rem; border-radius: 0.5rem; max-width: none; margin: 0 0 1.6rem; }
.verdict b { font-weight: 650; }
.good { background: var(--good-tint); color: var(--good); }
.poor { background: var(--poor-tint); color: var(--poor); }
.verdict span { color: var(--ink); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1.4rem; margin: 0; }
.tiles dt { color: var(--quiet); font-size: 0.85rem; }
.tiles dd { margin: 0; font-size: 1.45rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: 1.4rem 0 1.8rem; }
.small { max-width: 34rem; }
.beside { display: grid; grid-template-columns: minmax(0, 6fr) minmax(0, 5fr); gap: 2.5rem; align-items: start; }
.beside figure { margin-top: 0; }
.scroll { overflow-x: auto; max-width: 100%; }
.scroll img { display: block; width: 100%; height: auto; }
figcaption { color: var(--quiet); font-size: 0.875rem; margin-top: 0.5rem; }
table { border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.42rem 1.2rem 0.42rem 0; }
th:last-child, td:last-child { padding-right: 0; }
tr + tr > *, thead + tbody > tr:first-child > * { border-top: 1px solid var(--line); }
thead th { font-weight: 600; color: var(--quiet); font-size: 0.82rem; white-space: nowrap; }
tbody th { font-weight: 500; white-space: nowrap; }
.numbers td, .numbers th { white-space: nowrap; text-align: right; }
.words td:last-child { min-width: 11rem; }
.numbers thead th:first-child, .numbers tbody th { text-align: left; }
.measures td:nth-child(2) { white-space: nowrap; }
code, pre { font: 0.87em/1.55 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { margin: 0 0 1rem; padding: 0.9rem 1.1rem; background: var(--tint); border-radius: 0.5rem; overflow-x: auto; }
summary { cursor: pointer; color: var(--accent); margin: 0.4rem 0 0.8rem; }
ul { padding-left: 1.2rem; max-width: 46rem; }
footer { margin-top: 3.5rem; color: var(--quiet); font-size: 0.85rem; }
@media (max-width: 52rem) { .beside { display: block; } .beside figure { margin-top: 1.4rem; } }
@media (max-width: 34rem) {
  .words tbody th { white-space: normal; }
  .words td:last-child { min-width: 9rem; }
  th, td { padding-right: 0.8rem; }
  main { padding: 2rem 1.1rem 3rem; }
  h1 { font-size: 1.8rem; }
  section { margin-top: 2.2rem; padding-top: 1.7rem; }
  .tiles dd { font-size: 1.2rem; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 1rem; }
}
@media print { section { break-inside: avoid; } details > * { display: revert; } }
"""
