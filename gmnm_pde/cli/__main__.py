"""``python -m gmnm_pde.cli``."""

from gmnm_pde.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
