# -*- coding: utf-8 -*-
"""Opens the desktop client: the same as `agenda desktop`, with the same options."""

import first_run

first_run.run("desktop")
