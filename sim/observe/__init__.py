"""What is measured: outcomes, the recorder of a run, the results folder."""
