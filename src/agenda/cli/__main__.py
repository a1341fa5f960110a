"""`python -m agenda.cli` is the `agenda` command."""

from agenda.cli import main

if __name__ == "__main__":
    main()
