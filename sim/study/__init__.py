"""Studies: many runs of the model and what they say together.

`runs` simulates scenarios times replicates in processes, `compare` turns paired runs into effects, and
`patterns` sets what was observed beside what was simulated. A study reads scenarios and writes results; it
never reaches inside an agent.
"""
