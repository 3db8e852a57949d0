"""A small scenario folder for tests: a base scenario, three parameters, an evidence table."""

from __future__ import annotations

from pathlib import Path

BASE = """\
name: base
title: A small base
start: 2018-01-01
end: "2022-12-31"
scale: 100
interventions:
  - measure: warning_line
    start: 2021-02-01
    freeze_factor: 2
  - measure: account_cleanup
    criterion: dormant
    start: 2020-12-01
    end: 2021-09-30
    accounts: 740_000_000      # underscores are allowed
    evidence: [F001]
"""

PARAMETERS = """\
growth_per_year:
  value: 0.19
  prior: {uniform: [0.14, 0.25]}
  unit: 1/year
  range: [0, 1]
  meaning: Growth of the number of gangs at the profit of 2018.
  evidence: [F001]
  grade: A
shares:
  value: {calls: 0.5, pages: 0.5}
  unit: share
  range: [0, 1]
  meaning: Shares of fraud methods.
  evidence: assumed
  grade: assumed
staff:
  value: [1, 2, 3]
  unit: persons
  range: [0, null]
  meaning: Staff of a gang by its size.
  evidence: assumed
  grade: assumed
  integer: true
"""


def write_folder(folder: Path) -> Path:
    """Write the folder and return it."""
    (folder / "parameters").mkdir(parents=True)
    (folder / "evidence").mkdir()
    (folder / "base.yaml").write_text(BASE)
    (folder / "parameters" / "gangs.yaml").write_text(PARAMETERS)
    (folder / "evidence" / "facts.csv").write_text("id,topic\nF001,cases\nF333,cleanup\n")
    return folder
