"""Forecasts: what the coming months may hold under a schedule of measures, and how such forecasts fare.

A forecast is a set of runs read from an origin on (`ensemble`), set beside forecasters that know nothing of
cards (`naive`), and scored as forecasters are (`scores`).
"""
