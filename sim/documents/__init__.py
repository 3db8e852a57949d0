"""Documents that are read off the code and the scenario, so that they cannot fall behind either."""
