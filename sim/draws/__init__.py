"""Draws: which values of the uncertain parameters the runs of a study take.

A wish says what is asked for (`wish`), a table of draws is a file (`file`), and the shipped tables, one a
structure, hold what the record leaves plausible (`plausible`). How tables are found is calibration's affair.
"""
