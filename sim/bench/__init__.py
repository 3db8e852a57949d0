"""The benchmark: how fast the model is and how much memory it takes, beside its peers, against its targets.

`plan` says what is measured at which sizes, `rounds` measures, every measurement in a process of its own
(`worker`), `targets` judges, `report` tells. The other modules are the parts: `cards` (the card step alone),
`runs` (five years at several scales), `startup`, `memory`, `sweep`, `peers` (other libraries). Beside them
`bits` holds the fingerprints that tell whether a change has moved a result.
"""
