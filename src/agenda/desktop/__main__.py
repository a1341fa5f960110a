"""`python -m agenda.desktop`."""

from agenda.desktop.app import main

raise SystemExit(main())
