"""Experiments: campaigns of runs described in one file, and the points of their designs."""

from sim.experiment.file import Experiment, read_experiment
from sim.experiment.points import Point

__all__ = ["Experiment", "Point", "read_experiment"]
