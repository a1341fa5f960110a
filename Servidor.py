# -*- coding: utf-8 -*-
"""Starts the server: the same as `agenda serve`, with the same options."""

import first_run

first_run.run("serve")
