"""Calibration: what is known from the record, and which parameters could have made it.

The record holds few numbers (`targets`), each with its error and the day on which it became known. No single
set of parameters is the right one; a calibration looks for all that the record does not rule out.
"""
