"""The report: one HTML file that says what a results folder found, for a reader who runs no code.

`reading` takes a folder of `run`, `compare` or `forecast` apart and trusts nothing in it; `sections` and
`answer` say what it holds, in the words of a `speech`; `charts` draws; `page` puts all of it on one page that
needs no network, no script and no font of its own.
"""
